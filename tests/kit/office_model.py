"""A base for hypothesis state machines over one office: a service of its own, and people who have just logged in."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, run_state_machine_as_test

from icard_crypto.errors import IcardError
from issuer.accounts.principals import Principal
from issuer.accounts.roles import role_named
from issuer.core import Core
from issuer.permits.clockwork import turn
from tests.issuer.conftest import new_database_url
from tests.kit.people import Somebody
from tests.kit.permit_office import PermitOffice

__all__ = ["PEOPLE", "OfficeModel", "run_model"]

#: Who makes moves: an employer's handler, two officers, a head.
PEOPLE = ("employer", "officer", "second", "head")


class OfficeModel(RuleBasedStateMachine):
    """One employer, one office. ``refused`` counts the moves that were refused with a code."""

    office: PermitOffice
    core: Core

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        self.office = PermitOffice.begin(path, new_database_url("sqlite", path))
        self.core = self.office.core
        self.refused = 0
        self.prepare()

    def prepare(self) -> None:
        """What is there before the first move."""

    def teardown(self) -> None:
        if hasattr(self, "office"):
            self.core.close()
            self.folder.cleanup()

    def who(self, name: str) -> Principal:
        """A person who has just logged in."""
        somebody: Somebody = getattr(self.office, name)
        role = {"employer": "employer", "head": "office_head"}.get(name, "permit_officer")
        organisation = self.office.employer_id if name == "employer" else None
        now = int(self.office.issuing_service.clock.at)
        return Principal(
            somebody.account_id, somebody.person_id, role_named(role), organisation, True, session_id="s", totp_at=now
        )

    @contextlib.contextmanager
    def tried(self) -> Iterator[list[bool]]:
        """A move that may be refused with a code; the list has something once it was made."""
        done: list[bool] = []
        try:
            yield done
            done.append(True)
        except IcardError:
            self.refused += 1

    def pass_days(self, days: int) -> None:
        """Days pass, and the worker works."""
        if days:
            self.office.travel(self.office.today + timedelta(days=days))
        turn(self.core)


def run_model(model: type[OfficeModel], *, examples: int, steps: int) -> None:
    """Run a model on so many lives of so many steps."""
    limits: Any = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(model, settings=limits)
