"""Files are written whole or not at all, and new ones never over old ones."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from verifier.runtime import files
from verifier.runtime.cli.run_context import begin
from verifier.runtime.files import FileFault


@pytest.fixture(autouse=True)
def _begun() -> None:
    begin({})


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("links", [True, False])
def test_of_many_writers_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """A new file is written by exactly one of many at once, with and without hard links; the others are told."""
    if not links:

        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "key.pem"

    def write(number: int) -> int | str:
        try:
            files.write_new(path, bytes([number]) * 10_000, mode=0o600)
        except FileFault as fault:
            return fault.code
        return number

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(40)))
    [winner] = [answer for answer in answers if isinstance(answer, int)]
    assert set(answers) - {winner} == {"file.exists"}
    assert path.read_bytes() == bytes([winner]) * 10_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["key.pem"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up while writing keeps what was there."""
    path = tmp_path / "code.png"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileFault) as caught:
        files.write_whole(path, b"new")
    assert caught.value.code == "file.unwritable"
    assert caught.value.found == f"{path}: No space left on device"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["code.png"]


def test_folder_in_the_way_leaves_nothing(tmp_path: Path) -> None:
    """A target that cannot be replaced leaves no temporary file."""
    (tmp_path / "a.png").mkdir()
    with pytest.raises(FileFault) as caught:
        files.write_whole(tmp_path / "a.png", b"new")
    assert caught.value.code == "file.unwritable"
    assert names(tmp_path) == ["a.png"]


def test_old_file_is_replaced_whole(tmp_path: Path) -> None:
    """A reader that opened the old file reads it to its end."""
    path = tmp_path / "a.txt"
    files.write_whole(path, b"old")
    with path.open("rb") as reader:
        files.write_whole(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_reading_stops_at_the_cap() -> None:
    """A device that never ends is read up to one byte behind the cap."""
    assert len(files.read_start(Path("/dev/zero"), 1000)) == 1001
    with pytest.raises(FileFault) as caught:
        files.read_capped(Path("/dev/zero"), 1000)
    assert (caught.value.code, caught.value.expected) == ("file.too_large", "at most 1000 bytes")


def test_path_with_a_null_character_is_an_error() -> None:
    """What the system cannot even look for is told, not raised."""
    with pytest.raises(FileFault) as caught:
        files.read_capped(Path("a\0b"), 10)
    assert caught.value.code == "file.unreadable"
