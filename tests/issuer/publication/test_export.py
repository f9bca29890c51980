"""The tree of published files: its order, and what it refuses to overwrite."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import limits
from icard_crypto.errors import StateError
from icard_crypto.lists import tree
from icard_crypto.lists.timestamp import read_timestamp
from icard_crypto.signing.tokens import peek_unverified
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.publication import tree as tree_writer
from issuer.publication.export import export
from issuer.published.trust_lists import import_trust_lists
from tests.issuer.conftest import new_database_url
from tests.kit.issuing_service import FakeClock, person
from tests.kit.signed_domain import bundle_domain, file_of, published_core, step, trust_list
from verifier.runtime.files import FileFault, write_whole

BY = Actor("officer:1")
_IAT = 6


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, clock: FakeClock) -> Core:
    core = published_core(tmp_path, new_database_url("sqlite", tmp_path), clock)
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    step(core, clock)
    cards.suspend(core, issued.card_id, BY)
    return core


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name[0] != "."
    }


def test_the_tree_is_what_is_published(core: Core, tmp_path: Path, clock: FakeClock) -> None:
    """Every file of the tree, byte for byte as its row; the order is by kind, the timestamp last."""
    done = export(core, tmp_path / "www")
    files = files_of(tmp_path / "www")
    assert list(done.written)[:2] == ["trust/1.cbor", "trust/latest.cbor"]
    assert [path.partition("/")[0] for path in done.written[2:]] == [
        "status",
        "status",
        "bundle.cbor",
        "timestamp.cbor",
    ]
    assert files == {path: file_of(core, path) for path in done.written}
    assert files["trust/1.cbor"] == files["trust/latest.cbor"]
    assert export(core, tmp_path / "www").written == ()
    step(core, clock)
    assert [path.partition("/")[0] for path in export(core, tmp_path / "www").written] == [
        "status",
        "bundle.cbor",
        "timestamp.cbor",
    ]


def test_a_web_server_of_another_user_can_read_it(core: Core, tmp_path: Path) -> None:
    """Whatever the umask of who exports: the units have 0077."""
    before = os.umask(0o077)
    try:
        export(core, tmp_path / "www")
    finally:
        os.umask(before)
    for path in [tmp_path / "www", *(tmp_path / "www").rglob("*")]:
        if path.name[0] != ".":
            assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


def test_an_export_that_is_cut_off_anywhere_is_good_and_is_completed(
    core: Core, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before any of its writes, it leaves files of which the timestamp names nothing newer than there is, and
    the next export completes them and sweeps up."""
    www = tmp_path / "www"
    export(core, www)
    old = files_of(www)
    import_trust_lists(core, [trust_list(core, 2)], "host:test")
    step(core, clock)
    for allowed in range(6):
        for path, content in old.items():
            (www / path).write_bytes(content)
        (www / "trust" / "2.cbor").unlink(missing_ok=True)
        (www / "status" / ".half.0123.tmp").write_bytes(b"half")
        done: list[Path] = []

        def some(path: Path, data: bytes, *, done: list[Path] = done, allowed: int = allowed, **mode: Any) -> None:
            if len(done) == allowed:
                raise FileFault("file.unwritable", found=path.name)
            done.append(path)
            write_whole(path, data, **mode)

        monkeypatch.setattr(tree_writer, "write_whole", some)
        if allowed < 5:
            with pytest.raises(FileFault):
                export(core, www)
        monkeypatch.undo()
        _holds_together(www, int(clock.at))
        export(core, www)
        assert files_of(www) == {path: file_of(core, path) for path in files_of(www)}
        assert list(www.rglob("*.tmp")) == []


def _holds_together(www: Path, now: int) -> None:
    """The bundle can be read, and every list that the timestamp names is there and not older than it says."""
    domain = bundle_domain((www / tree.BUNDLE).read_bytes(), now)
    assert domain.timestamp is not None
    keys = {key.key.kid: key.key for key in domain.keys if key.usage == "timestamp"}
    timestamp = read_timestamp((www / tree.TIMESTAMP).read_bytes(), find_key=keys.get, now=now)
    assert (www / tree.trust_path(timestamp.trust_version)).exists()
    for uri, lowest in timestamp.lists.items():
        token = (www / "status" / uri.rpartition("/")[2]).read_bytes()
        assert len(token) < limits.STATUS_TOKEN_BYTES
        found = peek_unverified(token, _IAT, max_bytes=limits.STATUS_TOKEN_BYTES)
        assert isinstance(found, int)
        assert found >= lowest


def test_an_older_database_does_not_overwrite_newer_files(core: Core, tmp_path: Path, clock: FakeClock) -> None:
    """Files that are newer than the rows stop the export before anything is written."""
    www = tmp_path / "www"
    export(core, www)
    newer = file_of(core, tree.TIMESTAMP)
    step(core, clock)
    export(core, www)
    files = files_of(www)
    old = published_core(
        tmp_path / "old", new_database_url("sqlite", _made(tmp_path / "old")), FakeClock(clock.at - 90)
    )
    step(old)
    with pytest.raises(StateError) as caught:
        export(old, www)
    # The other service has another trust list 1: that is told first, for it stands first.
    assert (caught.value.code, caught.value.path) == ("export.differs", "trust/1.cbor")
    assert files_of(www) == files
    (www / "trust" / "1.cbor").unlink()
    with pytest.raises(StateError) as caught:
        export(old, www)
    assert (caught.value.code, caught.value.path) == ("export.behind", "timestamp.cbor")
    assert caught.value.message() == "The published files are newer than the database."
    assert files_of(www) == {path: content for path, content in files.items() if path != "trust/1.cbor"}
    assert newer != files[tree.TIMESTAMP]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_damaged_file_is_written_again(core: Core, tmp_path: Path) -> None:
    """A file that is no token any more holds nothing up."""
    www = tmp_path / "www"
    export(core, www)
    good = files_of(www)
    (www / tree.TIMESTAMP).write_bytes(b"\xff")
    (www / tree.BUNDLE).write_bytes(b"")
    assert export(core, www).written == (tree.BUNDLE, tree.TIMESTAMP)
    assert files_of(www) == good


def test_a_folder_that_cannot_be_written_is_named(core: Core, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "www").write_bytes(b"")
    with pytest.raises(FileFault) as caught:
        export(core, tmp_path / "www")
    assert (caught.value.code, str(caught.value.found).endswith("www: Not a directory")) == ("file.unwritable", True)
