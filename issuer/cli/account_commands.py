"""``icard-issuer account``: the first administrators, and recovery when nobody can log in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from icard_crypto.moments import moment_text
from verifier.runtime.cli.run_context import AsJson, Lang

from .service import (
    BreakGlassReason,
    Folder,
    NamedOperator,
    Operator,
    ReasonOption,
    ServiceFolder,
    acting,
    looked,
    tell,
    tell_rows,
)
from .typed import given

if TYPE_CHECKING:
    from issuer.accounts.invitations import Invited
    from issuer.acts import Actor

__all__ = ["account_app"]

account_app = typer.Typer(
    help="Accounts from the host, bypassing dual control: the first administrators, and recovery.",
    no_args_is_help=True,
)

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="The login name.")]


@account_app.command("add")
def account_add(
    login: Login,
    role: Annotated[str, typer.Option("--role", help="Such as administrator; a wrong one names them all.")],
    name: Annotated[str, typer.Option("--name", help="The person's name; - reads it from standard input.")],
    identity: Annotated[
        str | None,
        typer.Option("--identity", help="Number of a document or the staff, or -; official roles need it."),
    ] = None,
    email: Annotated[str | None, typer.Option("--email", help="Where mail goes, the invitation too.")] = None,
    language: Annotated[Literal["en", "zh"], typer.Option("--language", help="Of the account's mail.")] = "zh",
    organisation: Annotated[
        str | None, typer.Option("--organisation", help="Its id, for roles of an employer or an agency.")
    ] = None,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Make an account and invite its person. The invitation is shown this once, or mailed.

    Example:  icard-issuer account add li.na --role administrator --name "Li Na" --identity S-1001 \\
    --operator "Wang Wei" --reason "first administrator"
    """
    from issuer.accounts import host
    from issuer.accounts.changes import NewAccount

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    name, identity = given(name, "--name") or "", given(identity, "--identity")
    new = NewAccount(role, login, name, identity, email=email, language=language, organisation_id=organisation)
    with service.opened() as core:
        _tell_invited(host.add(core, new, by))


@account_app.command("reset")
def account_reset(
    login: Login,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Invite an account's person to set password and authenticator app again; every session and token of it ends."""
    from issuer.accounts import host

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened() as core:
        _tell_invited(host.reset(core, login, by))


@account_app.command("lock")
def account_lock(
    login: Login,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Shut an account out; every session and token of it ends at once."""
    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    _change(service, by, login, "lock")


@account_app.command("unlock")
def account_unlock(
    login: Login,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let an account in again."""
    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    _change(service, by, login, "unlock")


@account_app.command("close")
def account_close(
    login: Login,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """End an account permanently, and erase what it says about its person."""
    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    _change(service, by, login, "close")


@account_app.command("list")
def account_list(
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """The accounts that are not closed, the oldest first. Personal data, and itself audited."""
    from issuer.accounts import host

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        looked(core, by, "account.list", "accounts")
        rows: list[dict[str, Any]] = [
            {
                "login": account.login,
                "role": account.role,
                "state": account.state,
                "totp": account.totp,
                "name": account.name,
                "account": account.account_id,
            }
            for account in host.list_all(core)
        ]
        tell_rows(rows)


def _change(service: ServiceFolder, by: Actor, login: str, act: Literal["lock", "unlock", "close"]) -> None:
    from issuer.accounts import host

    with service.opened() as core:
        host.change(core, login, act, by)
        tell({"login": login, "done": act})


def _tell_invited(invited: Invited) -> None:
    until = moment_text(invited.expires_at)
    tell({"account": invited.account_id, "invitation": invited.token or "mailed", "until": until})
