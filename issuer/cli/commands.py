"""All commands of ``icard-issuer``, one module each, in two groups: the service, and plain files."""

from __future__ import annotations

from functools import partial
from typing import Final

from icard_crypto.errors import Conflict, IcardError, Invalid, NotAllowed, NotFound, StateError, Unavailable
from verifier.runtime.cli.edge import Commands, new_app

from .account_commands import account_app
from .audit_commands import audit_app
from .bulk_commands import bulk_app
from .card_commands import card_app
from .demo_command import demo_command
from .doctor_command import doctor_command
from .file_commands import GROUP, MovedCommands, files_app
from .grants_command import grants_command
from .insurance_commands import insurance_app
from .key_commands import key_app
from .migrate_command import migrate_command
from .notices_commands import notices_app
from .permit_commands import permits_app
from .privacy_commands import privacy_app
from .restore_commands import adopt_command, backup_command, restore_command, withdraw_command
from .rewrap_commands import rewrap_app
from .rules_commands import processes_command, rules_app
from .serve_command import serve_command
from .service_commands import clock_app, init_command, settings_command
from .trial_command import trial_command
from .worker_commands import export_command, trust_list_app, worker_command

__all__ = ["app"]


#: Of what is refused, by what its caller can do; the first kind that fits counts. Everything else is :data:`_REFUSED`.
_STATUSES: Final = ((NotFound, 10), (Conflict, 11), (NotAllowed, 12), (Unavailable, 13), (Invalid, 1), (StateError, 14))
#: A card, key, passphrase, file or value that is wrong.
_REFUSED: Final = 1
#: Layers whose faults are of a file that was given, not of the service.
_FILES: Final = ("bulk", "days", "draft", "signing", "status_file", "tree", "trusted")


class IssuerCommands(Commands, MovedCommands):
    """Exit statuses by kind (docs/issuing.md); 2 and 3 are left to what a command answers."""

    def refused_status(self, error: IcardError) -> int:
        """The exit status for an error that is no wrong use."""
        if type(error) is StateError and error.layer in _FILES:
            return _REFUSED
        return next((status for kind, status in _STATUSES if isinstance(error, kind)), _REFUSED)


app = new_app("icard-issuer", "Make keys and sign cards of China's Integrated Card.", group=IssuerCommands)
service = partial(app.command, rich_help_panel="The service")
service_group = partial(app.add_typer, rich_help_panel="The service")
service("trial")(trial_command)
service("demo-data")(demo_command)
service("doctor")(doctor_command)
service("init")(init_command)
service("migrate")(migrate_command)
service("grants")(grants_command)
service("settings")(settings_command)
service("backup")(backup_command)
service("restore")(restore_command)
service("adopt")(adopt_command)
service("withdraw")(withdraw_command)
service("export")(export_command)
service("worker")(worker_command)
service("serve")(serve_command)
service_group(account_app, name="account")
service_group(key_app, name="key")
service_group(card_app, name="card")
service_group(bulk_app, name="bulk")
service_group(rewrap_app, name="rewrap")
service_group(clock_app, name="clock")
service_group(trust_list_app, name="trust-list")
service_group(notices_app, name="notices")
service_group(audit_app, name="audit")
service_group(rules_app, name="rules")
service_group(permits_app, name="permits")
service_group(insurance_app, name="insurance")
service_group(privacy_app, name="privacy")
service("processes")(processes_command)
app.add_typer(files_app, name=GROUP, rich_help_panel="Plain files")
