"""All commands of ``icard-issuer``, one module each."""

from __future__ import annotations

from verifier.runtime.cli.edge import Commands, new_app

from .account_commands import account_app
from .audit_commands import audit_app
from .bulk_commands import bulk_app
from .card_commands import card_app
from .doctor_command import doctor_command
from .insurance_commands import insurance_app
from .key_commands import key_app
from .keygen_command import keygen_command
from .notices_commands import notices_app
from .permit_commands import permits_app
from .privacy_commands import privacy_app
from .publish_command import publish_command
from .restore_commands import adopt_command, backup_command, restore_command, withdraw_command
from .rules_commands import processes_command, rules_app
from .serve_command import serve_command
from .service_commands import clock_app, init_command, migrate_command, rewrap_command, settings_command
from .sign_command import sign_command
from .status_commands import status_app
from .trial_command import trial_command
from .trust_commands import trust_app
from .worker_commands import export_command, trust_list_app, worker_command

__all__ = ["app"]


class IssuerCommands(Commands):
    """Exit status 1 for a card, key or passphrase that is refused."""

    refused_status = 1


app = new_app("icard-issuer", "Make keys and sign cards of China's Integrated Card.", group=IssuerCommands)
app.command("keygen")(keygen_command)
app.command("sign")(sign_command)
app.command("trial")(trial_command)
app.command("doctor")(doctor_command)
app.command("init")(init_command)
app.command("migrate")(migrate_command)
app.command("settings")(settings_command)
app.command("rewrap")(rewrap_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)
app.command("adopt")(adopt_command)
app.command("withdraw")(withdraw_command)
app.command("export")(export_command)
app.command("worker")(worker_command)
app.command("serve")(serve_command)
app.add_typer(account_app, name="account")
app.add_typer(key_app, name="key")
app.add_typer(card_app, name="card")
app.add_typer(bulk_app, name="bulk")
app.add_typer(clock_app, name="clock")
app.add_typer(trust_app, name="trust")
app.add_typer(trust_list_app, name="trust-list")
app.add_typer(status_app, name="status")
app.add_typer(notices_app, name="notices")
app.command("publish")(publish_command)
app.add_typer(audit_app, name="audit")
app.add_typer(rules_app, name="rules")
app.add_typer(permits_app, name="permits")
app.add_typer(insurance_app, name="insurance")
app.add_typer(privacy_app, name="privacy")
app.command("processes")(processes_command)
