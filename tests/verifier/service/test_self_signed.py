"""The certificate that the service makes for itself, without a server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cryptography import x509

from verifier.service import tls


def named(certificate: Path) -> list[str]:
    """The host names in a certificate."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("machine", ["büro", "门岗"])
def test_a_machine_whose_name_no_certificate_can_carry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    """Its other names and addresses are there, and the certificate is used again."""
    monkeypatch.setattr(socket, "gethostname", lambda: machine)
    certificate, key = tls.self_signed(tmp_path, "gate.example")
    assert named(certificate) == ["localhost", "gate.example"]
    made = certificate.read_bytes()
    assert tls.self_signed(tmp_path, "gate.example") == (certificate, key)
    assert certificate.read_bytes() == made


def test_another_host_gets_another_certificate(tmp_path: Path) -> None:
    """One that does not name what is asked for is made anew, with a key for its owner alone."""
    first = tls.self_signed(tmp_path, "gate.example")[0].read_bytes()
    certificate, key = tls.self_signed(tmp_path, "door.example")
    assert certificate.read_bytes() != first
    assert "door.example" in named(certificate)
    assert key.stat().st_mode & 0o777 == 0o600
