"""``icard-issuer files``: all that works on plain files, without the service, its database or its keystore.

Promises:

1. Root keepers and issuers without the service need this group and no other.
2. A command that had its name before this group came still runs, and warns on standard error what it is called now.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from verifier.runtime.cli.faults import CommandError, report_warning

from .keygen_command import keygen_command
from .publish_command import publish_command
from .sign_command import sign_command
from .status_commands import status_app
from .trust_commands import trust_app

__all__ = ["GROUP", "MovedCommands", "files_app"]

GROUP = "files"

files_app = typer.Typer(
    help="Plain files, without the service: root keys, trust lists, and issuing by hand.", no_args_is_help=True
)
files_app.command("keygen")(keygen_command)
files_app.command("sign")(sign_command)
files_app.add_typer(trust_app, name="trust")
files_app.add_typer(status_app, name="status")
files_app.command("publish")(publish_command)

_MOVED = ("keygen", "sign", "trust", "status", "publish")


class MovedCommands(TyperGroup):
    """A group that finds the commands of ``files`` under their names of before, too."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the words name."""
        if args and args[0] in _MOVED:
            # At the end, when the command's own options have said in which language and form.
            ctx.call_on_close(lambda: _warn(args[0]))
            return super().resolve_command(ctx, [GROUP, *args])
        return super().resolve_command(ctx, args)


def _warn(name: str) -> None:
    report_warning(CommandError("cli.moved", expected=f"icard-issuer {GROUP} {name}", found=f"icard-issuer {name}"))
