"""``icard-issuer key``: the service's keys and their states."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from icard_crypto.moments import moment_text
from icard_crypto.signing import algorithms
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.files import write_new

from .service import Operator, ReasonOption, ServiceFolder, acting, acts, on_service, tell, tell_rows

if TYPE_CHECKING:
    from issuer.acts import Actor
    from issuer.keys.models import KeyRow

__all__ = ["key_app"]

key_app = typer.Typer(help="The service's keys: generate, publish, activate, retire, revoke.", no_args_is_help=True)

_ALGORITHMS = {algorithm.name.lower(): algorithm for algorithm in algorithms.ALGORITHMS}

_PUBLIC: Final = 0o644

Key = Annotated[str, typer.Argument(metavar="KEY", help="The first digits of its thumbprint, at least 8.")]


@key_app.command("list")
@on_service
def key_list(service: ServiceFolder) -> None:
    """All keys, oldest first."""
    from issuer.keys.states import all_keys

    with service.opened() as core:
        tell_rows([_facts(key) for key in core.database.read(all_keys)])


@key_app.command("generate")
@acts(reason=False)
def key_generate(
    service: ServiceFolder,
    by: Actor,
    usage: Annotated[Literal["card", "status", "timestamp"], typer.Argument(help="The one thing it signs.")],
    algorithm: Annotated[Literal["ed25519", "es256", "es384"], typer.Option("--algorithm")] = "ed25519",
) -> None:
    """Make a key in the keystore, as a draft."""
    from issuer.keys import states

    with service.opened() as core:
        tell(_facts(states.generate(core, usage, _ALGORITHMS[algorithm], by.actor)))


@key_app.command("export")
@on_service
def key_export(
    service: ServiceFolder,
    key: Key,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes; never overwritten.")],
) -> None:
    """Write the public key as PEM, for the trust list. Private keys never leave the keystore.

    Example:  icard-issuer key export 6f1d0a93 --out card.pub.pem
    """
    from issuer.keys.states import find, trusted_key

    with service.opened() as core:
        row = core.database.read(lambda session: find(session, key))
        write_new(out, trusted_key(row, core.issuer).key.to_pem(), mode=_PUBLIC)
        tell({"file": str(out), "thumbprint": row.thumbprint, "usage": row.usage})


@key_app.command("publish")
@acts(reason=False)
def key_publish(service: ServiceFolder, by: Actor, key: Key) -> None:
    """Say that the key stands on the trust list from now on."""
    from issuer.keys import states

    with service.opened() as core:
        tell(_facts(states.publish(core, key, by.actor)))


@key_app.command("activate")
@on_service
def key_activate(
    service: ServiceFolder,
    key: Key,
    emergency: Annotated[bool, typer.Option("--emergency", help="Before 14 days are over; with a reason.")] = False,
    operator: Operator = None,
    reason: ReasonOption = None,
) -> None:
    """Sign with this key from now on; the one before it retires."""
    from issuer.keys import states

    if emergency and (operator is None or reason is None):
        raise CommandError("cli.option", path="--emergency", expected="--operator and --reason beside it")
    by = acting(operator, reason, break_glass=emergency)
    with service.opened() as core:
        tell(_facts(states.activate(core, key, by.actor, emergency=emergency, reason=by.reason)))


@key_app.command("retire")
@acts()
def key_retire(service: ServiceFolder, by: Actor, key: Key) -> None:
    """Begin nothing more with this key. What it signed stands."""
    from issuer.keys import states

    with service.opened() as core:
        tell(_facts(states.retire(core, key, by.actor, reason=by.reason)))


@key_app.command("revoke")
@acts(break_glass=True)
def key_revoke(
    service: ServiceFolder,
    by: Actor,
    key: Key,
    kind: Annotated[
        Literal["compromised", "retired"],
        typer.Option("--kind", help="compromised: nothing it signed stands. retired: it was destroyed."),
    ] = "compromised",
) -> None:
    """Withdraw a key, for ever."""
    from issuer.keys import states

    with service.opened() as core:
        tell(_facts(states.revoke(core, key, by.actor, kind=kind, reason=by.reason)))


def _facts(key: KeyRow) -> dict[str, Any]:
    return {
        "thumbprint": key.thumbprint,
        "usage": key.usage,
        "algorithm": key.algorithm,
        "state": key.state,
        "published": moment_text(key.published_at),
        "activated": moment_text(key.activated_at),
        "ended": moment_text(key.revoked_at or key.retired_at),
    }
