"""The machines: each state is reached, each end is an end, and what is not there is refused."""

from __future__ import annotations

import pytest

from icard_crypto.errors import StateError
from issuer.permits.processes import FILING, MACHINES, PERMIT, Machine, diagram
from issuer.rules.book import shipped

EVERY = pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda machine: machine.name)


@EVERY
def test_every_state_is_reached_from_the_first(machine: Machine) -> None:
    reached, todo = {machine.first}, [machine.first]
    while todo:
        for move in machine.allowed(todo.pop()):
            if move.target not in reached:
                reached.add(move.target)
                todo.append(move.target)
    assert reached == set(machine.states) - (machine.last - reached)
    assert {move.source for move in machine.moves} <= reached


@EVERY
def test_nothing_leads_on_from_an_end(machine: Machine) -> None:
    assert not any(machine.allowed(state) for state in machine.last)


@EVERY
def test_a_move_is_declared_once(machine: Machine) -> None:
    keys = [(move.name, move.source, party) for move in machine.moves for party in move.by]
    assert len(keys) == len(set(keys))


@EVERY
def test_every_pair_of_state_and_move_is_allowed_or_refused_with_what_is_allowed(machine: Machine) -> None:
    parties = sorted({party for move in machine.moves for party in move.by})
    for state in machine.states:
        for name in {move.name for move in machine.moves}:
            for party in parties:
                there = [one for one in machine.allowed(state, party) if one.name == name]
                if there:
                    assert machine.move(name, state, party) == there[0]
                    continue
                with pytest.raises(StateError) as fault:
                    machine.move(name, state, party)
                assert fault.value.code == "process.move"
                assert (fault.value.expected or "").startswith(f"from {state}: ")
                assert fault.value.found == f"{name} by {party}"


@EVERY
def test_rows_that_a_move_reads_are_shipped(machine: Machine) -> None:
    book = shipped()
    for move in machine.moves:
        for name in move.rules:
            kind, _, row = name.partition("/")
            assert book.all(kind, row or None), name


@EVERY
def test_diagram_shows_every_move(machine: Machine) -> None:
    drawn = diagram(machine)
    assert drawn.startswith("stateDiagram-v2\n")
    for move in machine.moves:
        assert f"{move.source} --> {move.target}: {move.name}" in drawn


def test_no_approval_but_from_accepted_by_an_officer_or_from_before_the_switch() -> None:
    into = [move for move in FILING.moves if move.target == "APPROVED" and move.source != "APPROVED"]
    assert [(move.source, move.by) for move in into] == [("DRAFT", ("import",)), ("ACCEPTED", ("officer",))]


def test_filed_in_time_and_undecided_never_expires() -> None:
    moves = [move for move in PERMIT.moves if move.target == "EXPIRED" and move.source == "EXTENDED_BY_LAW"]
    assert [(move.name, move.guards) for move in moves] == [
        ("expire", ("extension refused or withdrawn",)),
        ("lapse", ("extension returned and never answered",)),
        ("end_stay", ("what a stay had restored",)),
    ]
