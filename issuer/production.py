"""What a service of the production environment must have before it begins, and each time it signs.

Promises:

1. Each rule that is broken is an error of its own, ``production.*``, which names the setting and what to do.
2. Nothing is looked up in a network, and no secret is shown.
3. A service of the test environment is asked nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from icard_crypto.errors import StateError
from icard_crypto.lists.trust_list import TrustList

from .settings import Settings

__all__ = ["faults", "require", "require_listening", "require_roots"]

#: Bytes of a passphrase: ``head -c 24 /dev/urandom | base64`` has 32, five words of a list some 30.
_PASSPHRASE: Final = 20
#: N of scrypt as a power of two, and KiB and passes of Argon2id (OWASP Password Storage Cheat Sheet).
_SCRYPT_LOG2: Final = 17
_ARGON2_KIB: Final = 19_456
_ARGON2_PASSES: Final = 2
#: Names that nobody can have (RFC 2606, RFC 6761): they are in documentation, and were copied from there.
_RESERVED: Final = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
#: Modes in which libpq refuses a connection without TLS.
_SECURE_MODES: Final = ("require", "verify-ca", "verify-full")
_LEAST_THRESHOLD: Final = 2


def faults(settings: Settings) -> Iterator[StateError]:
    """Every rule that these settings break."""
    if settings.environment != "production":
        return
    if settings.passphrase is not None:
        yield StateError("production.passphrase_in_settings", path="passphrase", expected="passphrase_file")
    elif settings.passphrase_file is not None and len(settings.known_passphrase() or b"") < _PASSPHRASE:
        yield StateError("production.passphrase", path="passphrase_file", expected=f"at least {_PASSPHRASE} bytes")
    for name, value in (("status_prefix", settings.status_prefix), ("public_url", settings.public_url)):
        if value and _is_reserved(urlsplit(value).hostname or ""):
            yield StateError("production.reserved_name", path=name, found=value)
    yield from _of_database(settings)
    for name, least in (
        ("scrypt_log2", _SCRYPT_LOG2),
        ("argon2_memory_kib", _ARGON2_KIB),
        ("argon2_passes", _ARGON2_PASSES),
    ):
        if getattr(settings, name) < least:
            yield StateError("production.cost", path=name, expected=f"at least {least}")


def require(settings: Settings) -> None:
    """Raise for the first rule that is broken.

    Raises:
        StateError: ``production.*``.
    """
    for fault in faults(settings):
        raise fault


def require_listening(settings: Settings, host: str, *, secured: bool) -> None:
    """Raise where a server would take log-ins in the clear: without TLS and open to other machines.

    Args:
        host: the address to listen on.
        secured: whether the server ends TLS itself.

    Raises:
        StateError: ``production.plain_http``.
    """
    if settings.environment != "production" or secured or settings.trusted_proxies or host in _LOOPBACK:
        return
    raise StateError("production.plain_http", path="--host", expected="TLS, a trusted proxy, or 127.0.0.1", found=host)


def require_roots(settings: Settings, current: TrustList) -> None:
    """Raise where one root alone could change the trust list, or the loss of one would end the domain.

    Raises:
        StateError: ``production.roots``.
    """
    if settings.environment != "production":
        return
    least = max(_LEAST_THRESHOLD, current.threshold)
    if current.threshold < _LEAST_THRESHOLD or len(current.roots) <= current.threshold:
        raise StateError(
            "production.roots",
            path="roots",
            expected=f"{least} of {least + 1} or more",
            found=f"{current.threshold} of {len(current.roots)}",
        )


def _of_database(settings: Settings) -> Iterator[StateError]:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(settings.database)
    except ArgumentError:
        # Whoever connects says so.
        return
    if url.get_backend_name() == "sqlite":
        if not settings.sqlite_in_production:
            yield StateError("production.sqlite", path="sqlite_in_production", expected="true, or PostgreSQL")
        return
    hosts = [url.host] if url.host else []
    for given in (url.query.get("host"), url.query.get("hostaddr")):
        hosts += [given] if isinstance(given, str) else given or []
    far = [host for host in hosts if host not in _LOOPBACK and not host.startswith("/")]
    if far and url.query.get("sslmode") not in _SECURE_MODES:
        yield StateError("production.database_plain", path="database_url", expected=f"sslmode={_SECURE_MODES[-1]}")


def _is_reserved(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in _RESERVED)
