"""A certificate that the service signs itself: phones give a page their camera over HTTPS alone.

Promises:

1. It names ``localhost``, this machine's name and addresses, and the host that was asked for; a name that none can
   carry is left out.
2. It is kept beside the state and used again while it names all of them and has a day left, so that a phone that was
   made to trust it need not be asked every day. Its key is readable by its owner alone.
3. It is no authority and signs nothing else: who trusts it trusts this service.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import os
import socket
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from icard_crypto.moments import ONE_DAY
from verifier.runtime.files import write_whole

__all__ = ["EVERYWHERE", "addresses", "self_signed", "thumbprint"]

EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - distinguished here, not listened on
#: Apple's limit for certificates that people trust by hand is 825 days.
_LIFE: Final = datetime.timedelta(days=365)
#: Of TEST-NET-1 and of documentation (RFC 5737, RFC 3849): nothing is sent there, the kernel only says by which way.
_ELSEWHERE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def addresses() -> list[str]:
    """This machine's addresses, the one by which others reach it first."""
    found: list[str] = []
    for family, elsewhere in _ELSEWHERE:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            found.append(str(probe.getsockname()[0]))
    with contextlib.suppress(OSError):
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)]
    found += ["127.0.0.1", "::1"]
    return list(dict.fromkeys(each for each in found if "%" not in each))


def self_signed(folder: Path, host: str) -> tuple[Path, Path]:
    """Certificate and key as PEM files in a folder, made or used again (promise 2).

    Raises:
        FileFault: ``file.unwritable``.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = _names(host)
    if not _serves(certificate, key, names):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = ec.generate_private_key(ec.SECP256R1())
        # The key first: a certificate without its key would be used again.
        certificate.unlink(missing_ok=True)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_whole(key, pem, mode=0o600)
        write_whole(certificate, _certificate(made, names).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def thumbprint(certificate: Path) -> str:
    """SHA-256 of a certificate, as browsers show it."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    digest = hashlib.sha256(loaded.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _names(host: str) -> list[x509.GeneralName]:
    named = dict.fromkeys(["localhost", socket.gethostname(), *addresses(), host])
    return [name for each in named if each not in ("", *EVERYWHERE) and (name := _name(each)) is not None]


def _name(text: str) -> x509.GeneralName | None:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(text))
    with contextlib.suppress(ValueError):
        return x509.DNSName(text)
    return None


def _serves(certificate: Path, key: Path, names: list[x509.GeneralName]) -> bool:
    try:
        loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
        named = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    left = loaded.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return os.access(key, os.R_OK) and left > ONE_DAY and set(names) <= set(named)


def _certificate(key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName]) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "icard")])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - ONE_DAY)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
