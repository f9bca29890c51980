"""Locks between processes: :mod:`verifier.runtime.locks`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from verifier.runtime.files import FileFault
from verifier.runtime.locks import lock, locked


@pytest.mark.parametrize("name", ["a.lock", "."])
def test_a_lock_that_is_held_is_refused_at_once_where_nobody_waits(tmp_path: Path, name: str) -> None:
    path, folder = tmp_path / name, name == "."
    with lock(path, folder=folder), pytest.raises(BlockingIOError), lock(path, wait=False, folder=folder):
        pass
    with lock(path, wait=False, folder=folder):
        pass


def test_a_lock_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with lock(tmp_path / "a.lock") as descriptor:
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
        assert not os.get_inheritable(descriptor)


def test_what_cannot_be_locked_is_a_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), lock(tmp_path / "missing" / "a.lock"):
        pass
    for path in (tmp_path / "missing", Path(__file__)):
        with pytest.raises(FileFault) as caught, locked(path):
            pass
        assert caught.value.code == "file.unwritable"
    with locked(tmp_path), pytest.raises(BlockingIOError), lock(tmp_path, wait=False, folder=True):
        pass
