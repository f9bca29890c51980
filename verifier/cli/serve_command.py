"""``icard serve``: the verifier over HTTP, with the scan page."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from icard_crypto.errors import MissingPart
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import Lang
from verifier.runtime.outbound.addresses import networks
from verifier.sync import Limits

from .options import policy
from .state_options import StateFolder, open_store

__all__ = ["serve_command"]

_ORIGIN: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")
_EXTRA = ("fastapi", "starlette", "uvicorn", "structlog", "prometheus_client", "jinja2", "httptools")


def _option(
    name: str, *, help: str, metavar: str | None = None, min: float | None = None, max: float | None = None
) -> Any:
    """An option that the environment may give too: ``ICARD_SERVE_PORT`` for ``--port``."""
    variable = f"ICARD_SERVE_{name.partition('/')[0][2:].upper().replace('-', '_')}"
    return typer.Option(name, envvar=variable, help=help, metavar=metavar, min=min, max=max)


def serve_command(
    host: Annotated[str, _option("--host", help="The address to listen on; 0.0.0.0 or :: for all.")] = "127.0.0.1",
    port: Annotated[int, _option("--port", min=0, max=65535, help="0: any that is free.")] = 8080,
    workers: Annotated[int, _option("--workers", min=1, max=64, help="Processes; two cores are worth two.")] = 1,
    policy_name: Annotated[
        str, _option("--policy", metavar="NAME", help="What is asked of a card where a request names no policy.")
    ] = "gate",
    policy_file: Annotated[
        list[Path] | None,
        _option("--policy-file", metavar="FILE", help="A policy of your own, as JSON; repeatable."),
    ] = None,
    sync: Annotated[bool, _option("--sync/--no-sync", help="Fetch lists here, or leave that to icard sync.")] = True,
    interval: Annotated[int, _option("--interval", min=1, help="Seconds between two looks for new lists.")] = 5,
    allow_network: Annotated[
        list[str] | None,
        _option("--allow-network", metavar="CIDR", help="A private network that may be fetched from; repeatable."),
    ] = None,
    ca_file: Annotated[
        Path | None, _option("--ca-file", metavar="FILE", help="PEM certificates of a private authority, to fetch.")
    ] = None,
    tls_self_signed: Annotated[
        bool, _option("--tls-self-signed", help="HTTPS by a certificate made here: a phone's camera needs HTTPS.")
    ] = False,
    tls_certificate: Annotated[
        Path | None, _option("--tls-certificate", metavar="FILE", help="HTTPS by this PEM certificate, with its chain.")
    ] = None,
    tls_key: Annotated[Path | None, _option("--tls-key", metavar="FILE", help="The certificate's private key.")] = None,
    api_keys: Annotated[
        Path | None,
        _option("--api-keys", metavar="FILE", help="Require an API key: lines of name and SHA-256; no scan page."),
    ] = None,
    rate: Annotated[
        float, _option("--rate", min=0, help="Requests a second for one client in the long run; 0: no limit.")
    ] = 50,
    origin: Annotated[
        list[str] | None, _option("--origin", metavar="URL", help="Another site whose pages may call; repeatable.")
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        _option("--trusted-proxy", metavar="CIDR", help="Proxies whose X-Forwarded-For is believed; repeatable."),
    ] = None,
    name: Annotated[
        list[str] | None,
        _option("--name", metavar="HOST", help="A name under which clients reach this service; repeatable."),
    ] = None,
    contact: Annotated[
        str | None, _option("--contact", help="Whom the scan page names where only the operator can help.")
    ] = None,
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], _option("--log-level", help="The least that is logged.")
    ] = "INFO",
    state: StateFolder = None,
    lang: Lang = None,
) -> None:
    """Check over HTTP whether codes are genuine and still valid, and serve the scan page at /.

    Trust and lists come from the state folder, see icard init; what changes there is taken over at once. Every option
    can be given by the environment: ICARD_SERVE_PORT for --port.

    Ends with 0 on SIGTERM, after the requests in work are answered; 64 wrong use.

    Example:  icard serve --host 0.0.0.0 --tls-self-signed
    """
    if tls_self_signed and (tls_certificate or tls_key):
        raise CommandError("cli.option", path="--tls-self-signed", expected="that alone", found="a certificate too")
    if (tls_certificate is None) != (tls_key is None):
        raise CommandError("cli.option", path="--tls-key", expected="--tls-certificate and --tls-key together")
    with _figures_of(workers):
        try:
            from verifier.runtime.http import Listen
            from verifier.service.api_keys import read_keys
            from verifier.service.settings import ServiceSettings
            from verifier.service.start import start
        except ModuleNotFoundError as absent:
            if (absent.name or "").partition(".")[0] not in _EXTRA:
                raise
            raise MissingPart("serve.extra_missing") from None
        settings = ServiceSettings(
            open_store(state).folder,
            default_policy=policy_name,
            policies=[policy(str(path)) for path in policy_file or ()],
            sync=Limits(allowed=networks(allow_network or ()), ca_file=ca_file) if sync else None,
            interval=interval,
            api_keys=read_keys(api_keys) if api_keys else (),
            rate=rate,
            origins=[_checked_origin(each) for each in origin or ()],
            trusted_proxies=[str(network) for network in networks(trusted_proxy or ())],
            names=[*(_checked_name(each) for each in name or ()), *_own_names()],
            children=max(1, (os.cpu_count() or 1) // workers),
            contact=contact,
        )
        listen = Listen(host, port, workers, tls_certificate, tls_key, log_level)
        start(settings, listen, self_signed_certificate=tls_self_signed)


def _checked_name(given: str) -> str:
    from verifier.runtime.http.host_names import is_host_name

    if not is_host_name(given):
        raise CommandError("cli.option", path="--name", expected="such as gate.example", found=given[:100])
    return given


def _own_names() -> list[str]:
    """What this machine calls itself, and what others on its link call it (RFC 6762)."""
    own = socket.gethostname().lower()
    return [own, f"{own.partition('.')[0]}.local"]


def _checked_origin(given: str) -> str:
    """An origin as browsers write it in a request (RFC 6454 section 6.2): else it would allow nobody, or everybody."""
    if not _ORIGIN.fullmatch(given):
        raise CommandError("cli.option", path="--origin", expected="such as https://portal.example", found=given[:100])
    return given


@contextlib.contextmanager
def _figures_of(workers: int) -> Iterator[None]:
    """Set the folder in which several processes share their metrics; prometheus-client reads it when it is imported."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="icard-figures-") as folder:
        named = os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
        try:
            yield
        finally:
            if named == folder:
                del os.environ["PROMETHEUS_MULTIPROC_DIR"]
