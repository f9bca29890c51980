"""Starting the service: certificates, addresses for people, and the server."""

from __future__ import annotations

import dataclasses
import sys

from verifier.runtime.http import Listen, serve

from .app import make_app
from .policies import Policies
from .settings import ServiceSettings
from .tls import EVERYWHERE, addresses, self_signed, thumbprint

__all__ = ["start"]


def start(settings: ServiceSettings, listen: Listen, *, self_signed_certificate: bool) -> None:
    """Serve until SIGTERM.

    Args:
        settings: the service's configuration.
        listen: where; without a certificate it is HTTP.
        self_signed_certificate: make one, or use again the one that was made before.

    Raises:
        Invalid: ``policy.name``, ``policy.taken``.
        StateError: ``server.address``, ``server.failed``.
        FileFault: ``file.unwritable``.
    """
    # What is wrong with the policies is reported before anything listens.
    Policies(settings.policies, settings.default_policy)
    if self_signed_certificate:
        certificate, key = self_signed(settings.folder / "tls", listen.host)
        listen = dataclasses.replace(listen, certificate=certificate, key=key)
        _say(f"certificate SHA-256 {thumbprint(certificate)}")
    scheme = "https" if listen.certificate else "http"

    def ready(port: int) -> None:
        for host in addresses() if listen.host in EVERYWHERE else [listen.host]:
            shown = f"[{host}]" if ":" in host else host
            _say(f"{scheme}://{shown}:{port}/")

    serve(lambda drain: make_app(settings, drain), listen, ready)


def _say(line: str) -> None:
    """To standard output, at once: whoever started the service waits for it; logs go to standard error."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
