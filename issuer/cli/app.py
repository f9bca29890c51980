"""All commands of ``icard-issuer``, one module each."""

from __future__ import annotations

from verifier.cli.edge import Commands, new_app

from .keygen_command import keygen_command
from .sign_command import sign_command

__all__ = ["app"]


class IssuerCommands(Commands):
    """Exit status 1 for a card, key or passphrase that is refused."""

    refused_status = 1


app = new_app("icard-issuer", "Make keys and sign cards of China's Integrated Card.", group=IssuerCommands)
app.command("keygen")(keygen_command)
app.command("sign")(sign_command)
