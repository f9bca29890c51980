"""``icard-issuer account``: the first administrators, and the way back when nobody can log in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from verifier.cli.settings import AsJson, Lang

from .service import Folder, RequiredOperator, RequiredReason, acting, opened, tell, tell_rows

if TYPE_CHECKING:
    from issuer.accounts.invitations import Invited

__all__ = ["account_app"]

account_app = typer.Typer(
    help="Accounts from the host, past the rule of two people: the first administrators, and recovery.",
    no_args_is_help=True,
)

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="The login name.")]


@account_app.command("add")
def account_add(
    login: Login,
    role: Annotated[str, typer.Option("--role", help="Such as administrator; a wrong one names them all.")],
    name: Annotated[str, typer.Option("--name", help="The person's name.")],
    operator: RequiredOperator,
    reason: RequiredReason,
    identity: Annotated[
        str | None, typer.Option("--identity", help="Number of a document or of the staff; official roles need it.")
    ] = None,
    email: Annotated[str | None, typer.Option("--email", help="Where mail goes, the invitation too.")] = None,
    language: Annotated[Literal["en", "zh"], typer.Option("--language", help="Of the account's mail.")] = "zh",
    organisation: Annotated[
        str | None, typer.Option("--organisation", help="Its id, for roles of an employer or an agency.")
    ] = None,
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
    new = NewAccount(role, login, name, identity, email=email, language=language, organisation_id=organisation)
    with opened(folder) as core:
        _tell_invited(host.add(core, new, by))


@account_app.command("reset")
def account_reset(
    login: Login,
    operator: RequiredOperator,
    reason: RequiredReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Invite an account's person to set password and authenticator app anew; every session and token of it ends."""
    from issuer.accounts import host

    by = acting(operator, reason, break_glass=True)
    with opened(folder) as core:
        _tell_invited(host.reset(core, login, by))


@account_app.command("lock")
def account_lock(
    login: Login,
    operator: RequiredOperator,
    reason: RequiredReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Shut an account out; every session and token of it ends at once."""
    _change("lock", login, operator, reason, folder)


@account_app.command("unlock")
def account_unlock(
    login: Login,
    operator: RequiredOperator,
    reason: RequiredReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let an account in again."""
    _change("unlock", login, operator, reason, folder)


@account_app.command("close")
def account_close(
    login: Login,
    operator: RequiredOperator,
    reason: RequiredReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """End an account for ever, and erase what it says of its person."""
    _change("close", login, operator, reason, folder)


@account_app.command("list")
def account_list(folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """The accounts that are not closed, the oldest first. Personal data."""
    from issuer.accounts import host

    with opened(folder) as core:
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


def _change(act: str, login: str, operator: str, reason: str, folder: Folder) -> None:
    from issuer.accounts import host

    by = acting(operator, reason, break_glass=True)
    with opened(folder) as core:
        host.change(core, login, cast("Literal['lock', 'unlock', 'close']", act), by)
        tell({"login": login, "done": act})


def _tell_invited(invited: Invited) -> None:
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(invited.expires_at))
    tell({"account": invited.account_id, "invitation": invited.token or "mailed", "until": until})
