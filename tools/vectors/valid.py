"""``valid/``: codes that a reader accepts, and what it reads in them.

Promises:

1. Every algorithm and id, profile and form occurs, and every freedom that the format leaves.
2. The expected claims come from what was put in, not from what icard's reader got out.
"""

from __future__ import annotations

import dataclasses
import datetime
import zlib
from typing import Any

from icard_crypto.card.card import Card, Profile, Scheme
from icard_crypto.card.claims import CardClaims, to_map
from icard_crypto.card.issuing import issue_claims
from icard_crypto.encoding import base45, cbor, envelope
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.signing import cose
from tests.kit.reference import CTI, ISSUED_AT, ISSUER, STATUS, reference_card, reference_claims
from tools.vectors.base import ALG, CARD_KEY, Json, bstr, claims_json, frame, headers, signed, signed_headers
from tools.vectors.kept import Kept
from tools.vectors.keyring import KEYS, cose_key
from tools.vectors.payloads import entry_behind, filled

__all__ = ["stored", "vectors"]


def _vector(about: str, coded: bytes, claims: CardClaims, *, key: str = CARD_KEY, form: str = "ic1") -> Json:
    return {
        "about": about,
        "form": form,
        "key": key,
        "text": envelope.to_ic1(coded),
        "cose": coded.hex(),
        "payload": diagnostic(cbor.decode(cose.parse_sign1(coded).payload, max_bytes=16384, max_items=1024)),
        "claims": claims_json(claims),
    }


def _shown_as_bytes(vector: Json, shown: bytes, form: str) -> Json:
    rest = {name: value for name, value in vector.items() if name not in ("about", "form", "key", "text")}
    return {"about": vector["about"], "form": form, "key": vector["key"], "hex": shown.hex(), **rest}


def _code(claims: CardClaims, key: str = CARD_KEY) -> bytes:
    return signed(cbor.encode(to_map(claims)), key)


def _issued(card: Card, profile: Profile = Profile.PUBLIC, **more: Any) -> CardClaims:
    return issue_claims(card, profile, issuer=ISSUER, issued_at=ISSUED_AT, status=STATUS, cti=CTI, **more)


def _algorithms(kept: Kept) -> dict[str, Json]:
    made = {}
    for name in ("card-ed25519", "card-es256", "card-es384"):
        for profile in Profile:
            claims = reference_claims(profile)
            short = f"{name.removeprefix('card-')}-{profile.name.lower()}"
            about = f"The reference card's {profile.name.lower()} code, {KEYS[name].algorithm.name}."
            made[f"{short}-ic1"] = _vector(about, _code(claims, name), claims, key=name)
    claims = reference_claims()
    coded = _kept_mldsa(kept, claims)
    about = "ML-DSA-44: its signature has 2,420 bytes and is randomised, so it is kept and verified, not made again."
    made["ml-dsa-44-public-ic1"] = _vector(about, coded, claims, key="card-ml-dsa-44")
    return made


def _kept_mldsa(kept: Kept, claims: CardClaims) -> bytes:
    key = KEYS["card-ml-dsa-44"]
    protected, content = cbor.encode(headers(key)), cbor.encode(to_map(claims))
    message = cose.Sign1(protected, b"\xa0", content, b"", False)
    signature = kept.signature("valid/ml-dsa-44-public-ic1", key, cose.signed_bytes(message))
    return frame(bstr(protected), b"\xa0", bstr(content), bstr(signature))


def _second_ids() -> dict[str, Json]:
    made = {}
    for name in ("card-es256", "card-es384", "card-ed25519"):
        key, claims = KEYS[name], reference_claims()
        second = key.algorithm.ids[1]
        protected = cbor.encode(headers(key) | {ALG: second})
        coded = signed_headers(protected, cbor.encode(to_map(claims)), key)
        about = f"{key.algorithm.name} under its second id, {second}: both ids mean the same."
        made[f"{name.removeprefix('card-')}-second-id"] = _vector(about, coded, claims, key=name)
    return made


def _forms(kept: Kept) -> dict[str, Json]:
    claims = reference_claims()
    coded = _code(claims)
    plain = _vector("", coded, claims)
    made = {}
    for profile in Profile:
        name = f"claim169-{profile.name.lower()}"
        inner = _code(reference_claims(profile))
        vector = _vector("Claim 169: base45 of a zlib stream, without a prefix.", inner, reference_claims(profile))
        made[name] = vector | {"form": "claim169", "text": base45.encode(kept.deflated(f"valid/{name}", inner))}
    made["claim169-stored"] = plain | {
        "about": "Claim 169 whose zlib stream holds one stored block: deflate may choose not to compress.",
        "form": "claim169",
        "text": base45.encode(stored(coded)),
    }
    cwt = b"\xd8\x3d" + coded
    about = "Tag 61 (CWT) around tag 18."
    made["cwt-tag"] = plain | {"about": about, "text": envelope.to_ic1(cwt), "cose": cwt.hex()}
    raw = {
        "bytes-cose": ("The COSE bytes themselves.", coded, "cose"),
        "bytes-zlib": ("The bytes of the zlib stream.", stored(coded), "claim169"),
        "bytes-text": ("The ASCII bytes of the text.", envelope.to_ic1(coded).encode(), "ic1"),
    }
    for name, (about, shown, form) in raw.items():
        made[name] = _shown_as_bytes(plain | {"about": about}, shown, form)
    return made


def stored(content: bytes) -> bytes:
    """A zlib stream of one stored block (RFC 1950, RFC 1951 section 3.2.4): the same from every implementation."""
    size = len(content)
    block = b"\x01" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + content
    return b"\x78\x01" + block + zlib.adler32(content).to_bytes(4, "big")


def _pasted() -> dict[str, Json]:
    claims = reference_claims()
    plain = _vector("", _code(claims), claims)
    text: str = plain["text"]
    ways = {
        "pasted-line-breaks": (
            "Line breaks and a tab inside.",
            f"{text[:60]}\r\n{text[60:120]}\n{text[120:150]}\t{text[150:]}",
        ),
        "pasted-ends": ("White space at the ends.", f" \t\r\n{text}\n\v\f "),
        "pasted-in-prefix": ("A line break in the prefix.", f"IC\n1:{text[4:]}"),
    }
    return {name: plain | {"about": f"{about} People paste.", "text": pasted} for name, (about, pasted) in ways.items()}


def _cards(kept: Kept) -> dict[str, Json]:
    card = reference_card()
    holder, permit = card.holder, card.permit
    later = dataclasses.replace(permit, valid_from=datetime.date(2026, 11, 1))
    latin = dataclasses.replace(holder, name_native=None, native_language=None)
    joined = dataclasses.replace(
        holder, name="MĀRTIŅŠ O'BRIEN-GARCÍA", name_native="علی\u200cرضا", native_language="fa"
    )
    pictured = dataclasses.replace(holder, photo=kept.photo, photo_format=4)
    holder_key = cose_key("holder-es256")
    made = {
        "photo": ("With a photo, WebP.", _issued(dataclasses.replace(card, holder=pictured))),
        "no-native-name": ("Without a name in a second language.", _issued(dataclasses.replace(card, holder=latin))),
        "joiner-in-name": (
            "A name in Persian with a zero-width non-joiner, one in Latin letters with marks and an apostrophe.",
            _issued(dataclasses.replace(card, holder=joined)),
        ),
        "not-before": (
            "The permit begins after the code was made: nbf.",
            _issued(dataclasses.replace(card, permit=later)),
        ),
        "holder-key": ("With the holder's key in cnf.", _issued(card, confirmation=holder_key)),
        "no-insurance": ("Nothing about insurance.", _issued(dataclasses.replace(card, insurance=None))),
        "no-services": ("No service granted.", _issued(dataclasses.replace(card, services=()))),
    }
    return {name: _vector(about, _code(claims), claims) for name, (about, claims) in made.items()}


def _unknown_values() -> dict[str, Json]:
    claims = reference_claims()
    card = claims.card
    assert card.insurance is not None
    category = dataclasses.replace(card.permit, category="D")
    bit = dataclasses.replace(card.insurance, schemes=Scheme.MEDICAL | Scheme(32))
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "unknown-category": ("A category that nobody has defined yet is kept.", {"permit": category}),
        "unknown-scheme": ("A scheme bit that nobody has defined yet is kept.", {"insurance": bit}),
        "unknown-service": ("A service that the registry does not have is kept.", {"services": (1, 4711)}),
    }
    changed: dict[str, tuple[str, CardClaims]] = {
        name: (about, dataclasses.replace(claims, card=dataclasses.replace(card, **change)))
        for name, (about, change) in made.items()
    }
    changed["unknown-profile"] = (
        "A profile that nobody has defined yet is kept.",
        dataclasses.replace(claims, profile=4),
    )
    return {name: _vector(about, _code(read), read) for name, (about, read) in changed.items()}


def _unknown_keys() -> dict[str, Json]:
    claims = reference_claims(Profile.AUTHORITY)
    mapping = to_map(claims)
    unknown = []
    for path, target in (
        ("claims", mapping),
        ("status", mapping[65535]),
        ("status.status_list", mapping[65535]["status_list"]),
        ("identity", mapping[169]),
        ("card", mapping[-65537]),
        ("card.permit", mapping[-65537][1]),
        ("card.insurance", mapping[-65537][2]),
    ):
        target[99] = ["whatever", {"it": b"is"}]
        unknown.append(f"{path}.99")
    mapping["new"] = None
    unknown.append("claims.'new'")
    mapping[-65537][2][6][0].append("a fifth entry")
    unknown.append("card.insurance.exemptions[0].4")
    coded = signed(cbor.encode(mapping))
    about = "Unknown claims and subkeys everywhere: ignored, and listed as not understood."
    made = {"unknown-keys": _vector(about, coded, dataclasses.replace(claims, unknown=tuple(unknown)))}
    plain = reference_claims()
    key = KEYS[CARD_KEY]
    protected = cbor.encode(headers(key) | {3: 60, "x-note": "not critical"})
    coded = signed_headers(protected, cbor.encode(to_map(plain)), key)
    about = "Protected headers that a card's reader has no use for: ignored, for crit does not name them."
    return made | {"unknown-headers": _vector(about, coded, plain)}


def _limits() -> dict[str, Json]:
    """At the limit; the step beyond each is refused."""
    claims = dataclasses.replace(reference_claims(), unknown=("claims.99",))
    key = KEYS[CARD_KEY]
    spare = 16384 - len(signed(entry_behind(b"\x18\x63" + bstr(bytes(9000))))) + 9000
    fat = signed(entry_behind(b"\x18\x63" + bstr(bytes(spare))))
    header = headers(key) | {99: bytes(512 - len(cbor.encode(headers(key) | {99: bytes(400)})) + 400)}
    plain = reference_claims()
    made = {
        "limit-eight-levels": _vector(
            "Eight levels.", signed(entry_behind(b"\x18\x63" + b"\x81" * 6 + b"\x80")), claims
        ),
        "limit-1024-items": _vector("1,024 items in the payload.", signed(filled(1024)), claims),
        "limit-header-512-bytes": _vector(
            "512 bytes of protected header.",
            signed_headers(cbor.encode(header), cbor.encode(to_map(plain)), key),
            plain,
        ),
        "limit-8192-characters": _vector("8,192 characters, most of them spaces at the end.", _code(plain), plain),
        "limit-16384-bytes": _shown_as_bytes(_vector("16,384 bytes of COSE.", fat, claims), fat, "cose"),
    }
    padded: str = made["limit-8192-characters"]["text"]
    made["limit-8192-characters"]["text"] = padded.ljust(8192)
    return made


def _key_order() -> dict[str, Json]:
    claims = reference_claims(Profile.AUTHORITY)
    content = _written_backwards(to_map(claims))
    key = KEYS[CARD_KEY]
    protected = _written_backwards(headers(key))
    coded = signed_headers(protected, content, key)
    return {"key-order": _vector("Every map has its keys in descending order: order is free.", coded, claims)}


def _written_backwards(value: Any) -> bytes:
    """CBOR with each map's keys in the reverse of the deterministic order."""
    if isinstance(value, dict):
        entries = sorted(((cbor.encode(key), _written_backwards(entry)) for key, entry in value.items()), reverse=True)
        return bytes((0xA0 + len(value),)) + b"".join(key + entry for key, entry in entries)
    if isinstance(value, list):
        return bytes((0x80 + len(value),)) + b"".join(_written_backwards(entry) for entry in value)
    return cbor.encode(value)


def vectors(kept: Kept) -> dict[str, Any]:
    """``valid/*.json``."""
    made = _algorithms(kept) | _second_ids() | _forms(kept) | _pasted() | _cards(kept)
    made |= _unknown_values() | _unknown_keys() | _key_order() | _limits()
    return {f"valid/{name}.json": vector for name, vector in made.items()}
