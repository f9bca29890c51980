"""``icard-issuer serve``: the issuing service over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang

from .service import Folder, ServiceFolder, tell
from .typed import close_to_others

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from verifier.runtime.http import Drain

__all__ = ["serve_command"]


def serve_command(
    host: Annotated[str, typer.Option("--host", help="The address to listen on; 0.0.0.0 or :: for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8081,
    tls_certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", metavar="FILE", help="HTTPS by this PEM file, with its chain.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="The certificate's private key.")
    ] = None,
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], typer.Option("--log-level", help="The least that is logged.")
    ] = "INFO",
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Serve the portal, the API and what is published, behind a proxy that speaks HTTPS or with an own certificate.

    On SQLite the worker runs in the server, and a second server or worker is refused; on PostgreSQL several may run,
    and icard-issuer worker beside them. Ends with 0 on SIGTERM, after the requests in work are answered.

    Example:  icard-issuer serve -C issuer --port 8081
    """
    from issuer.core import BESIDE
    from issuer.db.process_lock import process_lock
    from issuer.health.certificates import certificate_end
    from issuer.portal import BASE, make_portal
    from issuer.production import require_listening
    from issuer.publication.publish import check_signers
    from issuer.service.app import make_app
    from verifier.runtime import http

    service = ServiceFolder(folder)
    close_to_others()
    if (tls_certificate is None) != (tls_key is None):
        raise CommandError("cli.option", path="--tls-key", expected="--tls-certificate and --tls-key together")
    scheme = "http" if tls_certificate is None else "https"
    shown = f"[{host}]" if ":" in host else host

    require_listening(service.settings(), host, secured=tls_certificate is not None)
    with service.opened(signs=True) as core, process_lock(core.database):
        if core.settings.database_connections is None:
            core.database.require_connections(core.settings.connections(BESIDE))
        if core.database.is_sqlite:
            # The worker in the server needs them: a wrong passphrase is one line here, and before any address is named.
            check_signers(core)

        def made(drain: Drain) -> ASGIApp:
            return make_app(core, drain, [make_portal(core)], lambda: certificate_end(tls_certificate))

        def named(bound: int) -> None:
            address = f"{scheme}://{shown}:{bound}"
            tell({"address": f"{address}/", "portal": f"{address}{BASE}"})

        http.serve(
            made,
            http.Listen(host, port, certificate=tls_certificate, key=tls_key, log_level=log_level),
            ready=named,
        )
