"""Every size that icard caps before it reads, in one table, each with its reason; and how long lists may lag.

All sizes are in bytes unless the name says otherwise. Nothing is configurable: a cap that differs from verifier to
verifier would make one code good here and bad there.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * 1024

#: Characters of a code's text. The largest QR code (40-L) holds 4,296 alphanumeric characters; twice that leaves
#: room for line breaks that people paste along.
CARD_TEXT: Final = 8192
#: A card: 8,192 characters of base45 are 5,462 bytes; a Claim 169 card may inflate to three times that.
CARD_BYTES: Final = 16 * KIB
#: Data items of a card's payload, keys included: the fullest authority card has under 200.
CARD_ITEMS: Final = 1024
#: Nesting of any CBOR in icard: the deepest of ours (trust list: keys of issuers) has 6 levels.
DEPTH: Final = 8
#: The protected headers of any token: alg, a kid of at most 32 bytes and a typ are under 90.
HEADER_BYTES: Final = 512
HEADER_ITEMS: Final = 32

#: A timestamp: 10,000 status lists at about 90 bytes each.
TIMESTAMP_BYTES: Final = 1 * MIB
#: Items of a timestamp: a uri and a number for each of about 10,000 lists.
TIMESTAMP_ITEMS: Final = 20_000
#: A trust list: 16,000 keys, revoked ones kept for six years, at about 400 bytes each (ML-DSA keys: 1,312).
TRUST_LIST_BYTES: Final = 8 * MIB
#: Items of a trust list: 24 for each of 16,000 revoked Ed25519 keys.
TRUST_LIST_ITEMS: Final = 400_000
#: A status token, packed: 10 million entries of 4 bits are 5 MB before deflate.
STATUS_TOKEN_BYTES: Final = 8 * MIB
#: Items of a status token's payload: a dozen claims.
STATUS_TOKEN_ITEMS: Final = 256
#: The status lists of one issuer together, inflated or as tokens, whichever is more: 268 million entries of 4 bits.
STATUS_BYTES_OF_ISSUER: Final = 128 * MIB
#: Status lists of one issuer that no timestamp names. A timestamp names 10,000 of all issuers.
UNNAMED_LISTS_OF_ISSUER: Final = 1000
#: Status lists that are inflated at one time in one process: those of ten provinces at 50 million entries each.
OPEN_STATUS_BYTES: Final = 256 * MIB
#: A bundle: thirty full status lists beside a trust list.
BUNDLE_BYTES: Final = 256 * MIB
#: Signatures on a trust list that are looked at.
TRUST_LIST_SIGNATURES: Final = 32

#: Seconds, beside two intervals of fetching: how long a status list may be behind a newer timestamp that is here.
#: The timestamp names lists that are still on their way; one of 8 MiB takes that long on a line of 0.6 Mbit/s.
STATUS_LAG: Final = 120
#: Seconds between two rounds of fetching that count for it, at most.
LONGEST_INTERVAL: Final = 3600
