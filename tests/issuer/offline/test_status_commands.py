"""``icard-issuer files status``: a status list in a file."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import DecodeError, StateError
from icard_crypto.lists.status_list import StatusList, read_status_list
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from issuer.cli.commands import app
from issuer.keys.keystore import Envelope
from issuer.offline import status_files
from issuer.offline.status_files import StatusFile
from tests.kit.cli import run

DAY = 86_400
NOW = 1_791_424_800
URI = "https://icard.example/status/k7Qd"
KEY = SigningKey.from_raw(ED25519, bytes([6]) * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A list of 1,000 entries."""
    status_files.create(tmp_path / "k7Qd.json", URI, 1000)
    return tmp_path / "k7Qd.json"


def token_of(path: Path, now: int = NOW) -> StatusList:
    token, _ = status_files.published(path, KEY, now=now, lifetime=7 * DAY, ttl=3600)
    return read_status_list(token, uri=URI, find_key=lambda _: KEY.verifying_key, capacity=1000, now=now)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("valid", 0),
        ("revoked", 1),
        ("suspended", 2),
        ("replaced", 3),
        ("permit_suspended", 12),
        ("insurance_lapsed", 13),
        ("both", 14),
        ("7", 7),
        ("15", 15),
    ],
)
def test_what_is_set_is_what_verifiers_read(path: Path, name: str, value: int) -> None:
    """A value by name or number stands in the published list, and its neighbours are valid."""
    done = run(app, "files", "status", "set", path, "--index", "482", "--value", name, "--json")
    assert (done.status, done.err) == (0, "")
    read = token_of(path)
    assert [read.get(index) for index in (481, 482, 483)] == [0, value, 0]


def test_the_file_reads_as_it_was_written(path: Path) -> None:
    """What is decoded encodes to the same bytes; one line an entry, in order."""
    for index, value in ((17, 1), (3, 13), (999, 7)):
        status_files.set_entry(path, index, value)
    data = path.read_bytes()
    assert StatusFile.decode(data).encode() == data
    assert data.splitlines()[2:5] == [b'  "3": "insurance_lapsed",', b'  "17": "revoked",', b'  "999": "7"']
    assert set(json.loads(data)) == {"format", "uri", "size", "published", "entries"}


@pytest.mark.parametrize(
    ("before", "after", "final"),
    [
        ("revoked", "valid", True),
        ("revoked", "replaced", True),
        ("replaced", "valid", True),
        ("replaced", "suspended", True),
        ("replaced", "revoked", False),
        ("revoked", "revoked", False),
        ("suspended", "valid", False),
        ("both", "revoked", False),
    ],
)
def test_what_cannot_be_undone_stays(path: Path, before: str, after: str, final: bool) -> None:
    """Revoked and replaced are for ever; all else may change."""
    values = status_files.VALUES
    status_files.set_entry(path, 5, values[before])
    if not final:
        assert status_files.set_entry(path, 5, values[after]) == (values[before], values[after])
        return
    content = path.read_bytes()
    done = run(app, "files", "status", "set", path, "--index", "5", "--value", after, "--json")
    assert (done.status, done.error["code"], done.error["expected"]) == (1, "status_file.final", before)
    assert "never becomes good again" in done.error["message"]
    assert path.read_bytes() == content


def test_iat_rises_by_a_second_each_time(path: Path) -> None:
    """Also with a clock that stands still, and one that went back a little."""
    assert [token_of(path, now).iat for now in (NOW, NOW, NOW - 200, NOW + 50)] == [NOW, NOW + 1, NOW + 2, NOW + 50]


def test_a_clock_far_behind_is_refused(path: Path) -> None:
    """A list that verifiers would call one from the future is not signed."""
    token_of(path)
    with pytest.raises(StateError) as caught:
        token_of(path, NOW - DAY)
    assert (caught.value.code, caught.value.found) == ("status_file.clock_behind", str(NOW - DAY))
    assert "clock" in caught.value.message()


def test_iat_is_kept_before_the_token_is_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file cannot be written there is no token, and the file is as it was."""
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(status_files, "write_whole", full)
    with pytest.raises(OSError, match="No space"):
        token_of(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        (b"", "status_file.json", None),
        (b"[]", "status_file.format", None),
        (b'{"format": 2}', "status_file.format", None),
        (b'{"format": 1, "format": 1}', "status_file.json", None),
        ({"size": None}, "status_file.value", "size"),
        ({"size": 7}, "status_file.value", "size"),
        ({"size": 10**9}, "status_file.value", "size"),
        ({"published": -1}, "status_file.value", "published"),
        ({"uri": "http://icard.example/status/k7Qd"}, "status_file.value", "uri"),
        ({"more": 1}, "status_file.value", "more"),
        ({"entries": []}, "status_file.value", "entries"),
        ({"entries": {"1000": "revoked"}}, "status_file.value", "entries.1000"),
        ({"entries": {"07": "revoked"}}, "status_file.value", "entries.07"),
        ({"entries": {"-1": "revoked"}}, "status_file.value", "entries.-1"),
        ({"entries": {"7": "gone"}}, "status_file.value", "entries.7"),
        ({"entries": {"7": "16"}}, "status_file.value", "entries.7"),
        ({"entries": {"7": 1}}, "status_file.value", "entries.7"),
    ],
)
def test_a_file_is_read_strictly(content: Any, code: str, path: str | None) -> None:
    """What is not understood is refused, with the path: a wrong entry would be a wrong verdict somewhere."""
    good = {"format": 1, "uri": URI, "size": 1000, "published": 0, "entries": {}}
    data = content if isinstance(content, bytes) else json.dumps({**good, **content}).encode()
    with pytest.raises(StateError) as caught:
        StatusFile.decode(data)
    assert (caught.value.code, caught.value.path) == (code, path)
    assert caught.value.message()


def test_index_beyond_the_list(path: Path) -> None:
    """An index that the list does not have is refused with its range."""
    done = run(app, "files", "status", "set", path, "--index", "1000", "--value", "revoked", "--json")
    assert (done.status, done.error["code"], done.error["expected"]) == (1, "status_file.index", "0 to 999")


def test_value_that_nobody_knows(path: Path) -> None:
    """A misspelt value names those that exist."""
    done = run(app, "files", "status", "set", path, "--index", "1", "--value", "revokd", "--json")
    assert (done.status, done.error["code"], done.error["path"]) == (1, "status_file.value", "--value")
    assert "revoked" in done.error["expected"]


def test_init_overwrites_nothing(path: Path) -> None:
    """A list that is there is never begun again: what it had revoked would be valid."""
    before = path.read_bytes()
    done = run(app, "files", "status", "init", path, "--uri", URI, "--json")
    assert (done.status, done.error["code"]) == (64, "file.exists")
    assert path.read_bytes() == before


def test_a_lifetime_beyond_its_bound(path: Path) -> None:
    """The reader's bound of 31 days holds for the writer, and no iat is spent."""
    with pytest.raises(DecodeError) as caught:
        status_files.published(path, KEY, now=NOW, lifetime=32 * DAY, ttl=60)
    assert (caught.value.code, caught.value.expected) == ("status.lifetime", "after iat, at most 31 days on")
    assert status_files.read(path).published == 0


def test_a_key_of_the_service_is_refused(path: Path) -> None:
    """What the service's key signs must stand in its database."""
    stolen = path.with_name("service.json")
    stolen.write_bytes(Envelope.seal(KEY, "status", "cn.310000", "service", b"x", 14).encode())
    done = run(app, "files", "status", "publish", path, "--key", stolen, "--out", path.with_name("t"), "--json")
    assert (done.status, done.error["code"], done.error["found"]) == (1, "keystore.origin", "service")
    assert not path.with_name("t").exists()


def test_show_lists_what_is_not_valid(path: Path) -> None:
    """A person sees the address, whether it was published, and each entry; a program gets the same."""
    status_files.set_entry(path, 17, 3)
    shown = run(app, "files", "status", "show", path).out.splitlines()
    assert shown == [f"list        {URI}", "entries     1000", "published   never", "        17  replaced"]
    [facts] = run(app, "files", "status", "show", path, "--json").lines
    assert facts == {"uri": URI, "size": 1000, "published": None, "entries": {"17": "replaced"}}


def _set_some(path: Path, first: int) -> None:
    for index in range(first, first + 25):
        status_files.set_entry(path, index, 1)


def test_changes_at_once_are_all_kept(path: Path) -> None:
    """Four processes set entries at the same time; none is lost."""
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_set_some, args=(path, first)) for first in range(0, 100, 25)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert sorted(status_files.read(path).entries) == list(range(100))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
