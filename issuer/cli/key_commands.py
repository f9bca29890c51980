"""``icard-issuer key``: the service's keys and their states."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from icard_crypto import algorithms
from verifier.cli.faults import CommandError
from verifier.cli.files import write_new
from verifier.cli.settings import AsJson, Lang

from .service import Folder, Operator, Reason, RequiredOperator, RequiredReason, acting, opened, tell, tell_rows

if TYPE_CHECKING:
    from issuer.db.models import KeyRow

__all__ = ["key_app"]

key_app = typer.Typer(help="The service's keys: generate, publish, activate, retire, revoke.", no_args_is_help=True)

_ALGORITHMS = {algorithm.name.lower(): algorithm for algorithm in algorithms.ALGORITHMS}

_PUBLIC: Final = 0o644

Key = Annotated[str, typer.Argument(metavar="KEY", help="The first digits of its thumbprint, at least 8.")]


@key_app.command("list")
def key_list(folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """All keys, oldest first."""
    from issuer.key_states import all_keys

    with opened(folder) as core:
        tell_rows([_facts(key) for key in core.database.read(all_keys)])


@key_app.command("generate")
def key_generate(
    usage: Annotated[Literal["card", "status", "timestamp"], typer.Argument(help="The one thing it signs.")],
    algorithm: Annotated[Literal["ed25519", "es256", "es384"], typer.Option("--algorithm")] = "ed25519",
    folder: Folder = None,
    operator: Operator = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Make a key in the keystore, as a draft."""
    from issuer import key_states

    with opened(folder) as core:
        tell(_facts(key_states.generate(core, usage, _ALGORITHMS[algorithm], acting(operator, None).actor)))


@key_app.command("export")
def key_export(
    key: Key,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes; never overwritten.")],
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Write the public key as PEM, for the trust list. Private keys never leave the keystore.

    Example:  icard-issuer key export 6f1d0a93 --out card.pub.pem
    """
    from issuer.key_states import find, trusted_key

    with opened(folder) as core:
        row = core.database.read(lambda session: find(session, key))
        write_new(out, trusted_key(row, core.issuer).key.to_pem(), mode=_PUBLIC)
        tell({"file": str(out), "thumbprint": row.thumbprint, "usage": row.usage})


@key_app.command("publish")
def key_publish(
    key: Key, folder: Folder = None, operator: Operator = None, lang: Lang = None, as_json: AsJson = False
) -> None:
    """Say that the key stands on the trust list from now on."""
    from issuer import key_states

    with opened(folder) as core:
        tell(_facts(key_states.publish(core, key, acting(operator, None).actor)))


@key_app.command("activate")
def key_activate(
    key: Key,
    emergency: Annotated[bool, typer.Option("--emergency", help="Before 14 days are over; with a reason.")] = False,
    folder: Folder = None,
    operator: Operator = None,
    reason: Reason = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Sign with this key from now on; the one before it retires."""
    from issuer import key_states

    if emergency and (operator is None or reason is None):
        raise CommandError("cli.option", path="--emergency", expected="--operator and --reason beside it")
    by = acting(operator, reason, break_glass=emergency)
    with opened(folder) as core:
        tell(_facts(key_states.activate(core, key, by.actor, emergency=emergency, reason=by.reason)))


@key_app.command("retire")
def key_retire(
    key: Key,
    folder: Folder = None,
    operator: Operator = None,
    reason: Reason = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Begin nothing more with this key. What it signed stands."""
    from issuer import key_states

    by = acting(operator, reason)
    with opened(folder) as core:
        tell(_facts(key_states.retire(core, key, by.actor, reason=by.reason)))


@key_app.command("revoke")
def key_revoke(
    key: Key,
    operator: RequiredOperator,
    reason: RequiredReason,
    kind: Annotated[
        Literal["compromised", "retired"],
        typer.Option("--kind", help="compromised: nothing it signed stands. retired: it was destroyed."),
    ] = "compromised",
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a key, for ever."""
    from issuer import key_states

    by = acting(operator, reason, break_glass=True)
    with opened(folder) as core:
        tell(_facts(key_states.revoke(core, key, by.actor, kind=kind, reason=reason)))


def _facts(key: KeyRow) -> dict[str, Any]:
    return {
        "thumbprint": key.thumbprint,
        "usage": key.usage,
        "algorithm": key.algorithm,
        "state": key.state,
        "published": _time(key.published_at),
        "activated": _time(key.activated_at),
        "ended": _time(key.revoked_at or key.retired_at),
    }


def _time(moment: int | None) -> str | None:
    return None if moment is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
