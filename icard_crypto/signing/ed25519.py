"""Ed25519 as icard accepts it (RFC 8032), the same answer from every backend.

Promises:

1. A public key is a point on the curve in canonical form, and not one of small order; anything else is refused when
   the key is made, so that no backend ever sees it. (OpenSSL would take it, libsodium would not.)
2. A signature whose R is of small order is refused before the backend is asked, for the same reason.
3. libsodium is used where PyNaCl is installed (extra ``fast``): it checks in half of OpenSSL's time. It also tells
   what is on the curve, in a seventh of the time that Python takes: a trust list may have ten thousand keys.
4. The native core is used before both where it is installed (:mod:`icard_crypto.native`): it answers for keys whose
   signatures come again and again, and hands the others to the next backend. Its equation is theirs.
5. On all input the backends agree. Tests hold that on all of Wycheproof's vectors, on points made for the purpose, and
   on a million signatures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from icard_crypto import native
from icard_crypto.errors import MissingPart

__all__ = ["BACKENDS", "Backend", "is_acceptable_point", "verifier_for"]

Backend = Literal["native", "libsodium", "openssl"]
Check = Callable[[bytes, bytes], bool]

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P

# y of the points of order 1, 2, 4, 8 and 8 (RFC 7748 section 6.1 explains the danger; the list is libsodium's). The two
# of order 8 are each other's negative; a test computes all eight points from the curve's equation.
_ORDER_8_Y: Final = 55188659117513257062467267217118295137698188065244968500265048394206261417927
_SMALL_ORDER_Y: Final = (1, _P - 1, 0, _ORDER_8_Y, _P - _ORDER_8_Y)
#: The eight points of small order, canonical, with either sign bit (two of the ten are not points; harmless).
SMALL_ORDER: Final = frozenset((y | sign << 255).to_bytes(32, "little") for y in _SMALL_ORDER_Y for sign in (0, 1))
#: The base point (RFC 8032 section 5.1), y = 4/5.
_BASE: Final = (4 * pow(5, -1, _P) % _P).to_bytes(32, "little")

try:
    from nacl.bindings import crypto_core_ed25519_add, crypto_sign_open, has_crypto_core_ed25519
    from nacl.exceptions import CryptoError

    _OTHERS: tuple[Backend, ...] = ("libsodium", "openssl")
except ImportError:
    _OTHERS = ("openssl",)
    has_crypto_core_ed25519 = False
#: What is installed here, fastest first. The first is used where nothing is said.
BACKENDS: tuple[Backend, ...] = _OTHERS if native.state().keyring is None else ("native", *_OTHERS)


def is_acceptable_point(encoded: bytes, backend: Backend = BACKENDS[0]) -> bool:
    """Whether 32 bytes are a canonical encoding of a curve point that is not of small order (RFC 8032, 5.1.3)."""
    if backend == "native" and native.core is not None:
        return native.core.is_acceptable_point(encoded)
    if len(encoded) != 32 or encoded in SMALL_ORDER:
        return False
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    if y >= _P:
        return False
    if backend == "libsodium" and has_crypto_core_ed25519:
        return _sodium_decodes(encoded)
    # x^2 = (y^2 - 1) / (d y^2 + 1) has a root iff (y^2 - 1)(d y^2 + 1) is a square (Euler's criterion). x = 0 only for
    # y = 1 and y = -1, which are of small order and gone.
    square = y * y % _P
    return pow((square - 1) * (_D * square + 1), (_P - 1) // 2, _P) == 1


def _sodium_decodes(encoded: bytes) -> bool:
    """Whether libsodium finds a point. It adds what it has decoded, whatever its order; its own check of points asks
    for the main subgroup as well, and would refuse keys that OpenSSL takes."""
    try:
        crypto_core_ed25519_add(encoded, _BASE)
    except CryptoError:
        return False
    return True


def verifier_for(public: bytes, backend: Backend) -> Check:
    """A function ``(signature of 64 bytes, message) -> bool`` for an acceptable point.

    Raises:
        MissingPart: ``key.no_backend``, when a backend is asked for that is not installed or not in use.
    """
    if backend not in BACKENDS:
        raise MissingPart("key.no_backend", expected=" or ".join(BACKENDS), found=backend)
    if backend == "native":
        keyring, following = native.state().keyring, verifier_for(public, _OTHERS[0])
        # A keyring that was stopped since this module was imported leaves its work to the next backend.
        return following if keyring is None else keyring.key(public, following).verify
    if backend == "libsodium":

        def check_sodium(signature: bytes, message: bytes) -> bool:
            if signature[:32] in SMALL_ORDER:
                return False
            try:
                crypto_sign_open(signature + message, public)
            except CryptoError:
                return False
            return True

        return check_sodium

    verify = Ed25519PublicKey.from_public_bytes(public).verify

    def check_openssl(signature: bytes, message: bytes) -> bool:
        if signature[:32] in SMALL_ORDER:
            return False
        try:
            verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return check_openssl
