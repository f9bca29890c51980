"""``icard-issuer files publish``: the static tree, read back by a verifier's rules."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import DecodeError, KeyFault, StateError
from icard_crypto.lists import trust_chain
from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.lists.status_list import StatusListBuilder
from icard_crypto.lists.timestamp import Timestamp, read_timestamp
from icard_crypto.lists.trust_list import KeyEntry, Revocation
from icard_crypto.signing.keys import SigningKey
from issuer.cli.commands import app
from issuer.offline import publish_files, trust_draft
from issuer.offline.publish_files import Published
from tests.issuer.offline.test_trust_commands import (
    CARD,
    DAY,
    ISS,
    NOW,
    OTHER,
    PREFIX,
    ROOTS,
    STAMP,
    STATUS,
    first_draft,
    followed,
    signed,
)
from tests.kit.cli import run
from verifier.runtime.files import write_whole

LATER = NOW + DAY + 60
ISSUED = NOW + 5
URI = PREFIX + "k7Qd"
FIRST = signed(first_draft())
SECOND = signed(followed(FIRST), FIRST)


def status_token(iat: int = ISSUED, *, key: SigningKey = STATUS, revoked: int = 7, uri: str = URI) -> bytes:
    builder = StatusListBuilder(4, 100)
    builder.set(revoked, 1)
    return builder.sign(key, uri=uri, iat=iat, exp=iat + 7 * DAY, ttl=60)


def publish(folder: Path, *, key: SigningKey = STAMP, now: int = LATER, **what: Any) -> Published:
    return publish_files.publish(folder, key, now=now, lifetime=7 * DAY, **what)


def timestamp_in(folder: Path, key: SigningKey = STAMP) -> Timestamp:
    return read_timestamp((folder / "timestamp.cbor").read_bytes(), find_key=lambda _: key.verifying_key)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A published tree: version 1 and one status list."""
    publish(tmp_path / "public", trust_lists=[FIRST], status_tokens=[status_token()])
    return tmp_path / "public"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_layout_and_what_is_in_it(tree: Path) -> None:
    """Every file of the layout is there, and the timestamp names the newest list and each status list's iat."""
    files = content(tree)
    assert sorted(files) == ["bundle.cbor", "status/k7Qd", "timestamp.cbor", "trust/1.cbor", "trust/latest.cbor"]
    assert files["trust/1.cbor"] == files["trust/latest.cbor"] == FIRST
    bundle = decode_bundle(files["bundle.cbor"])
    assert (bundle.trust_lists, bundle.status_tokens) == ((FIRST,), (files["status/k7Qd"],))
    assert bundle.timestamp == files["timestamp.cbor"]
    stamp = timestamp_in(tree)
    accepted = trust_chain.verify_anchor(FIRST).current
    assert (stamp.trust_version, stamp.trust_hash, stamp.iat) == (1, accepted.payload_hash, LATER)
    assert dict(stamp.lists) == {URI: ISSUED}


def test_order_of_writing(tree: Path) -> None:
    """What never changes is written first, the timestamp last; what did not change is not written again."""
    done = publish(tree, trust_lists=[SECOND], status_tokens=[status_token(ISSUED + 1)])
    assert [(file.name, file.state) for file in done.files] == [
        ("trust/1.cbor", "same"),
        ("trust/2.cbor", "written"),
        ("trust/latest.cbor", "written"),
        ("status/k7Qd", "written"),
        ("bundle.cbor", "written"),
        ("timestamp.cbor", "written"),
    ]


def test_what_is_not_renewed_stays(tree: Path) -> None:
    """A run that names nothing publishes a new timestamp and a bundle of all that stands there."""
    publish(tree)
    bundle = decode_bundle((tree / "bundle.cbor").read_bytes())
    assert (bundle.trust_lists, bundle.status_tokens) == ((FIRST,), (status_token(),))
    assert timestamp_in(tree).iat == LATER + 1


def test_denied_stays_denied_until_the_roots_say_so(tree: Path) -> None:
    """A denial is carried on without being named again; the trust list that marks the key relieves the timestamp."""
    thumbprint = CARD.verifying_key.thumbprint
    publish(tree, deny=[thumbprint])
    publish(tree)
    assert timestamp_in(tree).denied == {thumbprint}
    draft = trust_draft.revoke_key(followed(FIRST), CARD.verifying_key, Revocation(NOW, "retired"))
    retired = signed(draft, FIRST)
    publish(tree, trust_lists=[retired])
    assert timestamp_in(tree).denied == {thumbprint}, "retired is milder than denied"
    draft = trust_draft.follow(retired, now=NOW + DAY, lifetime=DAY)
    draft = trust_draft.revoke_key(draft, CARD.verifying_key, Revocation(NOW, "compromised"))
    publish(tree, trust_lists=[signed(draft, retired)])
    assert timestamp_in(tree).denied == frozenset()


def test_a_stolen_status_key_does_not_stop_the_news(tree: Path) -> None:
    """Its list is left out and named, the trust list goes out; a list by the new key then takes the old one's place."""
    draft = trust_draft.revoke_key(followed(FIRST), STATUS.verifying_key, Revocation(NOW, "compromised"))
    entry = KeyEntry(OTHER.verifying_key, "status", NOW, NOW + 100 * DAY)
    draft = trust_draft.add_key(draft, ISS, entry)
    done = publish(tree, trust_lists=[signed(draft, FIRST)])
    assert [(name, fault.code) for name, fault in done.left_out] == [("k7Qd", "status.key_compromised")]
    assert decode_bundle((tree / "bundle.cbor").read_bytes()).status_tokens == ()
    renewed = status_token(NOW, key=OTHER)
    done = publish(tree, status_tokens=[renewed])
    assert done.left_out == ()
    assert (tree / "status" / "k7Qd").read_bytes() == renewed


def test_timestamp_key_that_was_rotated_away(tree: Path) -> None:
    """The next timestamp follows one whose key the newest list no longer has."""
    draft = trust_draft.add_timestamp_key(followed(FIRST), OTHER.verifying_key)
    draft = trust_draft.drop_timestamp_key(draft, STAMP.verifying_key)
    publish(tree, key=OTHER, trust_lists=[signed(draft, FIRST)])
    assert timestamp_in(tree, OTHER).trust_version == 2


def refusals() -> list[tuple[str, dict[str, Any], str]]:
    other = trust_draft.add_root(first_draft(), OTHER.verifying_key)
    third = signed(trust_draft.follow(SECOND, now=NOW + DAY, lifetime=DAY), SECOND)
    foreign = status_token(uri="https://elsewhere.example/status/k7Qd")
    return [
        ("another first list", {"trust_lists": [signed(other)]}, "trust.two_of_one_version"),
        ("a version is missing", {"trust_lists": [third]}, "trust.version_skipped"),
        ("a key that signs no timestamps", {"key": CARD}, "tree.not_a_timestamp_key"),
        ("an older status list", {"status_tokens": [status_token(ISSUED - 1, revoked=8)]}, "tree.older"),
        ("two of one second", {"status_tokens": [status_token(revoked=8)]}, "tree.older"),
        ("a card key's status list", {"status_tokens": [status_token(ISSUED + 1, key=CARD)]}, "status.wrong_usage"),
        ("nobody's address", {"status_tokens": [foreign]}, "status.uri_unowned"),
        ("a status list of tomorrow", {"status_tokens": [status_token(LATER + DAY)]}, "status.future"),
        ("no status list at all", {"status_tokens": [FIRST]}, "cose.wrong_tag"),
        ("the clock went back", {"now": NOW + DAY - 600}, "tree.clock_behind"),
        ("the trust list is over", {"now": NOW + 400 * DAY}, "trust.expired"),
    ]


@pytest.mark.parametrize(("name", "what", "code"), refusals(), ids=[case[0] for case in refusals()])
def test_refused_before_anything_is_written(tree: Path, name: str, what: dict[str, Any], code: str) -> None:
    """What verifiers would refuse is refused with its code, and the tree is what it was."""
    before = content(tree)
    with pytest.raises((StateError, DecodeError, KeyFault)) as caught:
        publish(tree, **what)
    assert caught.value.code == code
    assert caught.value.message()
    assert content(tree) == before


def test_an_empty_folder_needs_a_trust_list(tmp_path: Path) -> None:
    """Nothing can be published before version 1."""
    with pytest.raises(StateError) as caught:
        publish(tmp_path)
    assert caught.value.code == "tree.no_trust_list"
    with pytest.raises(StateError) as caught:
        publish(tmp_path, trust_lists=[SECOND])
    assert (caught.value.code, caught.value.path) == ("tree.gap", "trust/1.cbor")


def test_a_tree_with_a_gap(tree: Path) -> None:
    """A version that vanished from the tree is missed by name."""
    publish(tree, trust_lists=[SECOND])
    (tree / "trust" / "1.cbor").unlink()
    with pytest.raises(StateError) as caught:
        publish(tree)
    assert (caught.value.code, caught.value.path) == ("tree.gap", "trust/1.cbor")


def test_a_list_that_others_signed_keeps_its_file(tree: Path) -> None:
    """The same payload under other signatures is the same version: its file never changes."""
    again = signed(first_draft(), None, [ROOTS[1], ROOTS[0]])
    assert again != FIRST
    publish(tree, trust_lists=[again])
    assert (tree / "trust" / "1.cbor").read_bytes() == FIRST


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_run_that_was_stopped_is_completed_by_the_next(
    tree: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """Whichever write fails, the old timestamp still stands, and the next run writes what is missing."""
    writes = 0

    def failing(path: Path, data: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes == stop:
            raise OSError(28, "No space left on device")
        write_whole(path, data)

    before = (tree / "timestamp.cbor").read_bytes()
    news: dict[str, Any] = {"trust_lists": [SECOND], "status_tokens": [status_token(ISSUED + 1)]}
    monkeypatch.setattr("issuer.publication.tree.write_whole", failing)
    with pytest.raises(OSError, match="No space"):
        publish(tree, **news)
    assert (tree / "timestamp.cbor").read_bytes() == before
    publish(tree, **news)
    stamp = timestamp_in(tree)
    assert (stamp.trust_version, dict(stamp.lists)) == (2, {URI: ISSUED + 1})
    assert decode_bundle((tree / "bundle.cbor").read_bytes()).trust_lists == (FIRST, SECOND)


def test_the_command_denies_by_file_or_thumbprint(tmp_path: Path) -> None:
    """A stolen key is named by its public key's file or by its thumbprint; a typing error is one line."""
    now = int(time.time())
    base = trust_draft.begin(
        [root.verifying_key for root in ROOTS],
        [STAMP.verifying_key],
        environment="test",
        threshold=2,
        iat=now,
        exp=now + DAY,
    )
    (tmp_path / "v1").write_bytes(signed(base))
    (tmp_path / "stamp.pem").write_bytes(STAMP.to_pem())
    (tmp_path / "card.pub.pem").write_bytes(CARD.verifying_key.to_pem())
    common = (
        "files",
        "publish",
        tmp_path / "public",
        "--timestamp-key",
        tmp_path / "stamp.pem",
        "--trust",
        tmp_path / "v1",
    )
    digits = OTHER.verifying_key.thumbprint.hex()
    done = run(app, *common, "--deny", tmp_path / "card.pub.pem", "--deny", digits, "--json")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0]["denied"] == sorted([digits, CARD.verifying_key.thumbprint.hex()])
    wrong = run(app, *common, "--deny", digits[:-1], "--json")
    assert (wrong.status, wrong.error["code"], wrong.error["path"]) == (64, "cli.option", "--deny")
