"""The whole description of the service, tried by schemathesis on both databases: no 500, and no answer that it does not
describe. The full size runs in the soak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.explorer import Explorer
from tests.kit.issuing_api import BOUNDLESS, new_service
from tests.kit.issuing_kills import check_chain
from tests.kit.people import ServiceUnderTest

pytestmark = pytest.mark.slow
Record = Callable[[str, object], None]


@pytest.fixture
def explorer(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Explorer]:
    """A populated service with all its keys."""
    issuing_service: ServiceUnderTest = new_service(tmp_path, database_url, **BOUNDLESS)
    made = Explorer.begin(issuing_service, monkeypatch)
    yield made
    made.end()
    issuing_service.core.close()


def judge(explorer: Explorer) -> dict[str, int]:
    """What was seen, held against what is promised; figures of it."""
    assert explorer.faults == {}, "\n\n".join(f"{label}: {fault}" for label, fault in explorer.faults.items())
    able = [each for each in explorer.operations if explorer.can_succeed(each)]
    labels = {f"{each.method.upper()} {each.path}" for each in able}
    # HEAD is the same code as GET.
    own = {label for label in labels if not label.startswith("HEAD ")}
    assert own - set(explorer.entered) == set(), "no request came to the operation's own code"
    succeeded = {label for label, found in explorer.answers.items() if any(200 <= status < 300 for status in found)}
    assert labels - succeeded == set(), "no request succeeded"
    check_chain(explorer.here.issuing_service.core)
    asked = sum(found.total() for found in explorer.answers.values())
    return {"operations": len(labels), "requests": asked, "entered": explorer.entered.total()}


def test_every_answer_is_one_that_the_description_names(explorer: Explorer) -> None:
    """Every operation whose people are here succeeds at least once and comes to its own code; every answer has a
    status, a type and a body that the description names, none is 500; the audit's chain is whole afterwards."""
    explorer.explore(good=3, bad=1)
    found = judge(explorer)
    assert found["entered"] > found["operations"]


@pytest.mark.soak
def test_every_answer_at_full_size(explorer: Explorer, record_property: Record) -> None:
    """The same with three hundred requests that fit the description to each operation, and a hundred that do not."""
    explorer.explore(good=300, bad=100, anew=True)
    for name, figure in judge(explorer).items():
        record_property(name, f"{figure:,}")
