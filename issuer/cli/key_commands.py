"""``icard-issuer key``: the service's keys and their states."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from icard_crypto.moments import moment_text
from icard_crypto.signing import algorithms
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang
from verifier.runtime.files import write_new

from .service import (
    BreakGlassReason,
    Folder,
    GivenReason,
    NamedOperator,
    Operator,
    ReasonOption,
    ServiceFolder,
    acting,
    tell,
    tell_rows,
)

if TYPE_CHECKING:
    from issuer.core import Core
    from issuer.keys.models import KeyRow

__all__ = ["key_app"]

key_app = typer.Typer(help="The service's keys: generate, publish, activate, retire, revoke.", no_args_is_help=True)

_ALGORITHMS = {algorithm.name.lower(): algorithm for algorithm in algorithms.ALGORITHMS}

_PUBLIC: Final = 0o644

Key = Annotated[str, typer.Argument(metavar="KEY", help="The first digits of its thumbprint, at least 8.")]


@key_app.command("list")
def key_list(*, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """All keys, oldest first."""
    from issuer.keys.states import all_keys

    service = ServiceFolder(folder)
    with service.opened() as core:
        tell_rows([_facts(core, key) for key in core.database.read(all_keys)])


@key_app.command("generate")
def key_generate(
    usage: Annotated[Literal["card", "status", "timestamp"], typer.Argument(help="The one thing it signs.")],
    algorithm: Annotated[Literal["ed25519", "es256", "es384"], typer.Option("--algorithm")] = "ed25519",
    *,
    operator: Operator = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Make a key in the keystore, as a draft."""
    from issuer.keys import states

    by = acting(operator)
    service = ServiceFolder(folder)
    with service.opened() as core:
        tell(_facts(core, states.generate(core, usage, _ALGORITHMS[algorithm], by.actor)))


@key_app.command("export")
def key_export(
    key: Key,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes; never overwritten.")],
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Write the public key as PEM, for the trust list. Private keys never leave the keystore.

    Example:  icard-issuer key export 6f1d0a93 --out card.pub.pem
    """
    from issuer.keys.states import find, trusted_key

    service = ServiceFolder(folder)
    with service.opened() as core:
        row = core.database.read(lambda session: find(session, key))
        write_new(out, trusted_key(row, core.issuer).key.to_pem(), mode=_PUBLIC)
        tell({"file": str(out), "thumbprint": row.thumbprint, "usage": row.usage})


@key_app.command("publish")
def key_publish(
    key: Key, *, operator: Operator = None, folder: Folder = None, lang: Lang = None, as_json: AsJson = False
) -> None:
    """Offer the key for the trust list: its 14 days begin once a list in force names it too."""
    from issuer.keys import states

    by = acting(operator)
    service = ServiceFolder(folder)
    with service.opened() as core:
        tell(_facts(core, states.publish(core, key, by.actor)))


@key_app.command("activate")
def key_activate(
    key: Key,
    emergency: Annotated[bool, typer.Option("--emergency", help="Before 14 days are over; with a reason.")] = False,
    leave_behind: Annotated[
        bool, typer.Option("--leave-behind", help="Although a running server or worker does not hold the key.")
    ] = False,
    operator: Operator = None,
    reason: ReasonOption = None,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Sign with this key from now on; the one before it retires.

    Refused unless verifiers take what the key signs: it opens here and on every running server, it signs a probe, and
    the trust list in force names it for 14 more days. A retired key that is still listed can be activated again.
    """
    from issuer.processes.heartbeat import HEARTBEAT
    from issuer.published import activation

    service = ServiceFolder(folder)
    if emergency and (operator is None or reason is None):
        raise CommandError("cli.option", path="--emergency", expected="--operator and --reason beside it")
    by = acting(operator, reason, break_glass=emergency)
    with service.opened() as core:
        # A key that was made a moment ago is met with the next heartbeat of each process.
        row = activation.activate(
            core, key, by, emergency=emergency, leave_behind=leave_behind, patience=1.5 * HEARTBEAT
        )
        tell(_facts(core, row))


@key_app.command("retire")
def key_retire(
    key: Key,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Begin nothing more with this key. What it signed remains valid."""
    from issuer.keys import states

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        tell(_facts(core, states.retire(core, key, by.actor, reason=by.reason)))


@key_app.command("passphrase")
def key_passphrase(
    new_file: Annotated[Path, typer.Option("--new-file", metavar="FILE", help="Its first line is the new passphrase.")],
    *,
    operator: NamedOperator,
    reason: GivenReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Encrypt the keys of this host under another passphrase. Then give it to the settings, and restart what runs.

    Backups made before need the passphrase of their time.
    """
    from issuer.settings import first_line

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        count = core.keystore.rewrap(core.passphrase(), first_line(new_file), core.scrypt_log2)
        core.transact(by, lambda unit: unit.audit("key.passphrase", "keystore", {"keys": count, **by.details()}))
        tell({"keys": count, "folder": str(core.keystore.folder)})


@key_app.command("revoke")
def key_revoke(
    key: Key,
    kind: Annotated[
        Literal["compromised", "retired"],
        typer.Option("--kind", help="compromised: nothing it signed is valid. retired: it was destroyed."),
    ] = "compromised",
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a key, permanently."""
    from issuer.keys import states

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened() as core:
        tell(_facts(core, states.revoke(core, key, by.actor, kind=kind, reason=by.reason)))


def _facts(core: Core, key: KeyRow) -> dict[str, Any]:
    from issuer.published.listing import listing_of

    listing = core.database.read(lambda session: listing_of(core, session))
    ends = 0 if listing is None else listing.ends_at(key)
    return {
        "thumbprint": key.thumbprint,
        "usage": key.usage,
        "algorithm": key.algorithm,
        "state": key.state,
        "published": moment_text(key.published_at),
        "activated": moment_text(key.activated_at),
        "ended": moment_text(key.revoked_at or key.retired_at),
        "listed_until": moment_text(ends) if ends else None,
    }
