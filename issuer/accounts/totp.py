"""Time-based one-time passwords (RFC 6238, by pyotp): secrets, matching, and what an authenticator app is given.

Promises:

1. SHA-1, six digits, 30 seconds: what every authenticator app can do. A code of the step before or after is taken.
2. :func:`matching_step` compares in constant time and looks at no step up to the last one that was used: whoever
   stores what it returns, in the transaction that read the last one, lets no code pass twice.
3. Recovery codes are 80 random bits each, kept as keyed hashes.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Final

import pyotp

__all__ = ["TotpOffer", "matching_step", "new_recovery_codes", "new_totp_secret", "normal_recovery_code", "offer"]

_STEP: Final = 30
_DRIFT: Final = 1
_RECOVERY: Final = 10
_RECOVERY_BYTES: Final = 10
_CODE: Final = re.compile(r"[0-9]{6}")
_LONGEST_CODE: Final = 40
_RECOVERY_CODE: Final = re.compile(r"[A-Z2-7]{16}")


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """A proposed secret in base32, the ``otpauth://`` address that a QR code shows, and what finishes it."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    proof: str = field(default="", repr=False)


def new_totp_secret() -> str:
    """160 random bits (RFC 4226, section 4, R6) in base32."""
    return pyotp.random_base32()


def offer(secret: str, login: str, issuer: str, proof: str = "") -> TotpOffer:
    """What an authenticator app is given."""
    return TotpOffer(secret, pyotp.TOTP(secret, name=login, issuer=issuer).provisioning_uri(), proof)


def matching_step(secret: str, given: str, now: int, last: int) -> int | None:
    """The step whose code this is; None: none that may still be used.

    Args:
        now: Unix time.
        last: the last step that was used.
    """
    # As apps show it, and as keyboards of East Asia type it: with a space in the middle, in full width.
    given = "".join(unicodedata.normalize("NFKC", given).split()) if len(given) <= _LONGEST_CODE else ""
    if not _CODE.fullmatch(given):
        return None
    code_of = pyotp.HOTP(secret).at
    found = None
    for step in range(now // _STEP - _DRIFT, now // _STEP + _DRIFT + 1):
        if hmac.compare_digest(code_of(step), given) and step > last:
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes of sixteen characters, in groups of four."""
    texts = [base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode() for _ in range(_RECOVERY)]
    return ["-".join(text[place : place + 4] for place in range(0, 16, 4)) for text in texts]


def normal_recovery_code(given: str) -> str | None:
    """A recovery code as it is hashed; None: it has not the form of one."""
    text = given.strip().upper().replace("-", "").replace(" ", "") if len(given) <= 40 else ""
    return text if _RECOVERY_CODE.fullmatch(text) else None
