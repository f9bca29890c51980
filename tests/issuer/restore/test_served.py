"""What is served at the status prefix is held against the database: another's publication keeps it from signing."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from icard_crypto.lists import tree
from issuer import cards
from issuer.acts import Actor
from issuer.audit.models import AuditRow
from issuer.cards import NewCard
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.restore.adopt import adopt
from issuer.restore.served import compare, read_served
from issuer.service import readiness
from issuer.status.models import StatusListRow
from tests.issuer.conftest import new_database_url
from tests.kit.issuing_service import FakeClock, person
from tests.kit.signed_domain import file_of, published_core, step
from verifier.runtime.outbound.fetching import Answer, Deadline

BY = Actor("host:test", "another copy was found", break_glass=True)


class Web:
    """A web server at the status prefix: what it has, by address."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.fault: str | None = None

    def publish(self, core: Core) -> None:
        """Take all status lists of a service."""
        rows = core.database.read(lambda session: session.scalars(select(StatusListRow)).all())
        self.files.update({row.uri: file_of(core, tree.status_path(row.name)) for row in rows if row.published_at})

    def __call__(self, url: str, *, etag: str | None, most: int, deadline: Deadline) -> Answer | None:
        if self.fault is not None:
            raise StateError(self.fault)
        found = self.files.get(url)
        return None if found is None else Answer(found)

    def close(self) -> None:
        """Nothing is open."""


def refused(act: object) -> str:
    with pytest.raises(StateError) as caught:
        act()  # type: ignore[operator]
    return caught.value.code


def places(core: Core) -> set[tuple[str, int]]:
    rows = core.database.read(lambda session: session.execute(select(CodeRow.list_name, CodeRow.idx)).all())
    return {(row[0], row[1]) for row in rows}


def test_what_was_published_here_is_no_difference(tmp_path: Path, database_url: str) -> None:
    """The newest publication, an older one that a cache still has, and an address that serves something else."""
    clock, web = FakeClock(), Web()
    core = published_core(tmp_path, database_url, clock)
    step(core, clock)
    web.publish(core)
    assert compare(core, web).differing == ()
    cards.issue(core, [NewCard(person(1))], BY)
    cards.revoke(core, cards.find_cards(core, "permit", person(1).permit.number or "")[0], BY)
    step(core, clock)
    found = compare(core, web)
    assert (len(found.lists), found.differing) == (2, ())
    web.fault = "sync.unreachable"
    assert refused(lambda: compare(core, web)) == "epoch.not_compared"
    web.fault = None
    web.files = dict.fromkeys(web.files, b"<html>log in to this network</html>")
    assert refused(lambda: compare(core, web)) == "epoch.not_compared"
    cards.issue(core, [NewCard(person(2))], BY)
    core.close()


def test_a_folder_that_was_put_back_signs_nothing_until_it_is_adopted(tmp_path: Path) -> None:
    """Snapshot of the whole folder, a card issued and one revoked, everything put back in its place: what is served
    shows it, adopting takes the revocation over, and no index is given twice."""
    clock, web = FakeClock(), Web()
    folder = tmp_path / "issuer"
    folder.mkdir()
    core = published_core(folder, new_database_url("sqlite", folder), clock)
    (card,) = cards.issue(core, [NewCard(person(1))], BY)
    step(core, clock)
    settings = core.settings
    core.close()
    shutil.copytree(folder, tmp_path / "snapshot")
    core = Core.open(settings, clock=clock.clock())
    cards.issue(core, [NewCard(person(2))], BY)
    cards.revoke(core, card.card_id, BY)
    step(core, clock)
    web.publish(core)
    given = places(core)
    core.close()
    # In place, as a snapshot of a disk is: the files stay the same files.
    for path in (tmp_path / "snapshot").rglob("*"):
        if path.is_file():
            (folder / path.relative_to(tmp_path / "snapshot")).write_bytes(path.read_bytes())
    core = Core.open(settings, clock=clock.clock())
    assert len(compare(core, web).differing) == 1
    assert refused(lambda: cards.issue(core, [NewCard(person(3))], BY)) == "epoch.published_differs"
    assert refused(lambda: step(core, clock, force=True)) == "epoch.published_differs"
    assert readiness.parts(core)["copy"] == "epoch.published_differs"
    seen = select(AuditRow).where(AuditRow.action == "service.published_differs")
    compare(core, web)
    assert len(core.database.read(lambda session: session.scalars(seen).all())) == 1
    core.close()
    core = Core.open(settings, clock=clock.clock(), restoring=True)
    adopted = adopt(core, BY, read_served(core, BY.actor, web))
    assert adopted.restored is not None
    assert len(adopted.restored.lost_lists) == 2
    assert cards.show(core, card.card_id).status == "revoked"
    step(core, clock)
    cards.issue(core, [NewCard(person(3))], BY)
    assert len(places(core) & given) == 3
    step(core, clock)
    web.publish(core)
    assert compare(core, web).differing == ()
    core.close()


def test_a_second_live_copy_is_found_by_what_it_publishes(tmp_path: Path) -> None:
    """Lists signed with this service's own keys, at a time at which this database published nothing: also where this
    database has published since."""
    clock, web = FakeClock(), Web()
    (tmp_path / "first").mkdir()
    first = published_core(tmp_path / "first", new_database_url("sqlite", tmp_path / "first"), clock)
    step(first, clock)
    first.database.close()
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    settings = first.settings.model_copy(update={"folder": tmp_path / "second", "database_url": None})
    second = Core.open(settings, clock=clock.clock(), restoring=True)
    clock.at += 10
    step(second, clock, force=True)
    web.publish(second)
    clock.at += 10
    step(first, clock, force=True)
    assert len(compare(first, web).differing) == 2
    assert refused(lambda: cards.issue(first, [NewCard(person(1))], BY)) == "epoch.published_differs"
    assert adopt(first, BY, read_served(first, BY.actor, web)).restored is None
    assert first.meta().differs_at is None
    step(first, clock)
    cards.issue(first, [NewCard(person(1))], BY)
    first.close()
    second.close()
