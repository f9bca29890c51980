"""``icard-issuer files trust``: drafts, what changes in them, signatures of roots that never meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, KeyFault, StateError
from icard_crypto.lists import trust_chain
from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, Revocation, decode_trust_list
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from issuer.cli.commands import app
from issuer.keys.keystore import Envelope
from issuer.offline import trust_draft
from issuer.offline.trust_difference import Change, differences
from tests.kit.cli import Done, run

HOUR, DAY = 3600, 86_400
NOW = 1_791_424_800
ISS = "cn.310000"
PREFIX = "https://icard.example/status/"


def key(number: int) -> SigningKey:
    return SigningKey.from_raw(ED25519, bytes([number]) * 32)


ROOTS = [key(1), key(2), key(3)]
STAMP, CARD, STATUS, OTHER = key(4), key(5), key(6), key(7)
SHANGHAI = IssuerEntry(ISS, "Shanghai", "上海市", frozenset({"310000"}), (PREFIX,), 4096, ())


def first_draft() -> bytes:
    """A draft of version 1 with an issuer and its two keys."""
    draft = trust_draft.begin(
        [root.verifying_key for root in ROOTS],
        [STAMP.verifying_key],
        environment="test",
        threshold=2,
        iat=NOW,
        exp=NOW + 365 * DAY,
    )
    draft = trust_draft.add_issuer(draft, SHANGHAI)
    for usage, own in (("card", CARD), ("status", STATUS)):
        entry = KeyEntry(own.verifying_key, usage, NOW, NOW + 1000 * DAY)  # type: ignore[arg-type]
        draft = trust_draft.add_key(draft, ISS, entry)
    return draft


def signed(draft: bytes, current: bytes | None = None, roots: list[SigningKey] = ROOTS[:2]) -> bytes:
    return trust_draft.assemble_draft([trust_draft.sign_draft(draft, root, current) for root in roots], current)


def followed(current: bytes) -> bytes:
    return trust_draft.follow(current, now=NOW + DAY, lifetime=365 * DAY)


def test_roots_that_never_meet_sign_copies_of_one_draft() -> None:
    """Two copies, signed apart, assemble to a list that verifiers take; so does the next version."""
    first = signed(first_draft())
    second = signed(followed(first), first, ROOTS[1:])
    state = trust_chain.verify_chain(trust_chain.verify_anchor(first), [first, second], NOW + 2 * DAY)
    assert state.current.version == 2
    assert trust_draft.signers(second, state.current.roots) == [root.verifying_key for root in ROOTS[1:]]


def test_next_version_says_what_the_current_one_says() -> None:
    """A new draft differs from the current list in version and times alone."""
    first = signed(first_draft())
    draft = followed(first)
    before, after = trust_draft.open_list(first), trust_draft.open_list(draft)
    assert (after.version, after.iat, after.exp) == (2, NOW + DAY, NOW + 366 * DAY)
    assert differences(before, after) == []


def test_iat_of_a_draft_never_falls() -> None:
    """With a clock that went back the draft has the current list's iat."""
    draft = trust_draft.follow(signed(first_draft()), now=NOW - DAY, lifetime=DAY)
    assert decode_trust_list(draft).iat == NOW


def test_what_is_not_understood_is_not_carried_on() -> None:
    """A list with a field or key that this software does not know cannot be drafted on: it would be lost."""
    payload: Any = cbor.decode(first_draft(), max_bytes=10_000, max_items=1000)
    payload[99] = "new"
    message = cose.Sign(cbor.encode({cose.TYP: trust_chain.TYP}), b"\xa0", cbor.encode(payload), ())
    for root in ROOTS[:2]:
        message = cose.sign_entry(message, root)
    with pytest.raises(StateError) as caught:
        followed(cose.encode_sign(message))
    assert (caught.value.code, caught.value.path) == ("draft.not_understood", "99")
    assert "would lose" in caught.value.message()


def edit_cases() -> list[tuple[str, bytes, list[Change]]]:
    """An edit of the next draft, and the differences that a keeper of a root reads."""
    base = followed(signed(first_draft()))
    other, root3 = OTHER.verifying_key, ROOTS[2].verifying_key
    window = "2026-10-08T02:00:00Z - 2029-07-04T02:00:00Z"
    card = CARD.verifying_key.thumbprint.hex()
    beijing = IssuerEntry("cn.110000", "Beijing", "北京市", frozenset({"110000"}), ("https://b.example/",), 2048, ())
    added = KeyEntry(other, "card", NOW, NOW + 1000 * DAY)
    revoked = trust_draft.revoke_key(base, CARD.verifying_key, Revocation(NOW + HOUR, "compromised"))
    return [
        (
            "root",
            trust_draft.add_root(base, other),
            [Change("comes", "root", "", other.thumbprint.hex(), "", "Ed25519")],
        ),
        (
            "no root",
            trust_draft.drop_root(base, root3),
            [Change("goes", "root", "", root3.thumbprint.hex(), "Ed25519", "")],
        ),
        ("threshold", trust_draft.set_threshold(base, 3), [Change("narrowed", "threshold", "", "", "2", "3")]),
        (
            "timestamp",
            trust_draft.add_timestamp_key(base, other),
            [Change("comes", "timestamp_key", "", other.thumbprint.hex(), "", "Ed25519")],
        ),
        (
            "issuer",
            trust_draft.add_issuer(base, beijing),
            [
                Change("comes", "issuer", "cn.110000", "cn.110000", "", "Beijing / 北京市"),
                Change("widened", "region", "cn.110000", "110000"),
                Change("widened", "status_prefix", "cn.110000", "https://b.example/"),
                Change("widened", "capacity", "cn.110000", "", "", "2048"),
            ],
        ),
        (
            "regions",
            trust_draft.change_issuer(base, ISS, regions=frozenset({"320000"}), name_en="Jiangsu", capacity=100),
            [
                Change("changed", "name", ISS, "en", "Shanghai", "Jiangsu"),
                Change("widened", "region", ISS, "320000"),
                Change("narrowed", "region", ISS, "310000"),
                Change("narrowed", "capacity", ISS, "", "4096", "100"),
            ],
        ),
        (
            "key",
            trust_draft.add_key(base, ISS, added),
            [Change("comes", "key", ISS, other.thumbprint.hex(), "", f"card Ed25519 {window}")],
        ),
        (
            "revoked",
            revoked,
            [
                Change(
                    "narrowed",
                    "key",
                    ISS,
                    card,
                    f"card Ed25519 {window}",
                    f"card Ed25519 {window}, compromised 2026-10-08T03:00:00Z",
                )
            ],
        ),
    ]


@pytest.mark.parametrize(("name", "draft", "expected"), edit_cases(), ids=[case[0] for case in edit_cases()])
def test_edit_shows_as_a_difference(name: str, draft: bytes, expected: list[Change]) -> None:
    """Every edit changes what it names and nothing else, and is read before signing as what it is."""
    assert differences(trust_draft.open_list(signed(first_draft())), trust_draft.open_list(draft)) == expected


def test_a_longer_window_and_a_milder_revocation_widen() -> None:
    """What gives a key more is told from what takes it away, whoever wrote the draft."""
    before = trust_draft.open_list(first_draft())
    [issuer] = before.issuers
    longer = KeyEntry(CARD.verifying_key, "card", NOW, NOW + 2000 * DAY)
    draft = trust_draft.change_issuer(first_draft(), ISS, keys=(longer, issuer.keys[1]))
    assert [change.effect for change in differences(before, trust_draft.open_list(draft))] == ["widened"]
    revoked = trust_draft.revoke_key(first_draft(), CARD.verifying_key, Revocation(NOW, "compromised"))
    again = differences(trust_draft.open_list(revoked), before)
    assert [(change.effect, change.subject) for change in again] == [("widened", "key")]


def refusals() -> list[tuple[str, Any, str]]:
    draft = first_draft()
    first = signed(draft)
    retired = trust_draft.revoke_key(draft, CARD.verifying_key, Revocation(NOW, "retired"))
    return [
        ("a signed list is not edited", lambda: trust_draft.add_root(first, OTHER.verifying_key), "draft.signed"),
        ("a key twice", lambda: trust_draft.add_root(draft, ROOTS[0].verifying_key), "trust.duplicate_kid"),
        ("two usages", lambda: trust_draft.add_root(draft, CARD.verifying_key), "trust.two_usages"),
        ("too few roots", lambda: trust_draft.set_threshold(draft, 4), "trust.threshold_range"),
        ("a single root", lambda: trust_draft.set_threshold(draft, 1), "trust.single_root"),
        ("the only one", lambda: trust_draft.drop_timestamp_key(draft, STAMP.verifying_key), "trust.out_of_range"),
        ("a stranger goes", lambda: trust_draft.drop_root(draft, OTHER.verifying_key), "draft.no_such_key"),
        ("no issuer", lambda: trust_draft.change_issuer(draft, "cn.1", capacity=4), "draft.no_such_issuer"),
        (
            "no status list there",
            lambda: trust_draft.change_issuer(draft, ISS, status_prefixes=("http://icard.example/",)),
            "uri.scheme",
        ),
        (
            "a root is not revoked",
            lambda: trust_draft.revoke_key(draft, ROOTS[0].verifying_key, Revocation(NOW, "retired")),
            "draft.not_an_issuers_key",
        ),
        (
            "retired later",
            lambda: trust_draft.revoke_key(retired, CARD.verifying_key, Revocation(NOW + 1, "retired")),
            "draft.milder",
        ),
        ("few digits", lambda: trust_draft.find_key(trust_draft.open_list(draft), "ab"), "draft.no_such_key"),
        ("a stranger signs", lambda: trust_draft.sign_draft(draft, OTHER, None), "draft.not_a_root"),
        ("a card key signs", lambda: trust_draft.sign_draft(draft, CARD, None), "draft.not_a_root"),
        ("no current list", lambda: trust_draft.sign_draft(followed(first), ROOTS[0], None), "draft.current_needed"),
        (
            "a rollback",
            lambda: trust_draft.sign_draft(draft, ROOTS[0], signed(followed(first), first)),
            "trust.rollback",
        ),
        ("one signature", lambda: signed(draft, None, ROOTS[:1]), "trust.threshold_own"),
        ("a draft assembled", lambda: trust_draft.assemble_draft([draft], None), "draft.unsigned"),
        (
            "no current to follow",
            lambda: trust_draft.assemble_draft([signed(followed(first), first)], None),
            "draft.current_needed",
        ),
    ]


@pytest.mark.parametrize(("name", "attempt", "code"), refusals(), ids=[case[0] for case in refusals()])
def test_refused_by_name(name: str, attempt: Any, code: str) -> None:
    """What no verifier would take, or no keeper should sign, is refused with its own code and words."""
    with pytest.raises((StateError, DecodeError, KeyFault)) as caught:
        attempt()
    assert caught.value.code == code
    assert caught.value.message()


def test_the_lists_a_new_root_and_an_old_one_sign() -> None:
    """A list without the lost root counts with two of the old roots, and the new root may sign it too."""
    first = signed(first_draft())
    draft = trust_draft.add_root(followed(first), OTHER.verifying_key)
    draft = trust_draft.drop_root(draft, ROOTS[0].verifying_key)
    second = signed(draft, first, [ROOTS[1], ROOTS[2], OTHER])
    assert trust_chain.verify_successor(trust_chain.verify_anchor(first), second).current.version == 2
    with pytest.raises(DecodeError) as caught:
        signed(draft, first, [ROOTS[2], OTHER])
    assert (caught.value.code, caught.value.expected, caught.value.found) == (
        "trust.threshold_current",
        "2 of the roots",
        "1",
    )


# The commands.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keys as PEM files, and a draft."""
    for name, own in (("root1", ROOTS[0]), ("root2", ROOTS[1]), ("stamp", STAMP), ("card", CARD), ("other", OTHER)):
        (tmp_path / f"{name}.pem").write_bytes(own.to_pem())
        (tmp_path / f"{name}.pub.pem").write_bytes(own.verifying_key.to_pem())
    (tmp_path / "draft").write_bytes(first_draft())
    return tmp_path


def trust(*arguments: str | Path) -> Done:
    return run(app, "files", "trust", *arguments)


def test_init_wants_two_roots_unless_asked_by_name(folder: Path) -> None:
    """A threshold of 1 is refused in one line, and granted by name with a mark in what is shown."""
    alone = (
        "init",
        "--root",
        folder / "root1.pub.pem",
        "--timestamp-key",
        folder / "stamp.pub.pem",
        "--threshold",
        "1",
    )
    refused = trust(*alone, "--out", folder / "v1", "--json")
    assert (refused.status, refused.error["code"], refused.error["expected"]) == (1, "trust.single_root", "2 or more")
    assert not (folder / "v1").exists()
    assert trust(*alone, "--out", folder / "v1", "--unsafe-single-root").status == 0
    assert "! One root alone can change this list." in trust("show", folder / "v1").out


def test_nothing_is_overwritten(folder: Path) -> None:
    """A signed copy never replaces a file that is there."""
    (folder / "copy").write_bytes(b"mine")
    done = trust("sign", folder / "draft", "--key", folder / "root1.pem", "--out", folder / "copy", "--yes", "--json")
    assert (done.status, done.error["code"]) == (64, "file.exists")
    assert (folder / "copy").read_bytes() == b"mine"


def test_sign_shows_what_changes_and_asks(folder: Path) -> None:
    """Without --yes and without a terminal nothing is signed, and the changes have been shown."""
    done = trust("sign", folder / "draft", "--key", folder / "root1.pem", "--out", folder / "copy")
    assert done.status == 1
    assert "draft.not_confirmed" in done.err
    assert f"comes  cn.310000: key {CARD.verifying_key.thumbprint.hex()}" in done.out
    assert not (folder / "copy").exists()


def test_a_key_of_the_service_is_refused(folder: Path) -> None:
    """A root's place is offline: a file of the service's keystore signs nothing by hand."""
    envelope = Envelope.seal(ROOTS[0], "card", ISS, "service", b"x", 14)
    (folder / "service.json").write_bytes(envelope.encode())
    done = trust("sign", folder / "draft", "--key", folder / "service.json", "--out", folder / "c", "--yes", "--json")
    assert (done.status, done.error["code"]) == (1, "keystore.origin")
    assert (done.error["expected"], done.error["found"]) == ("hand", "service")


def test_edit_that_is_refused_leaves_the_draft(folder: Path) -> None:
    """A root's key cannot become a card key, and the draft is what it was."""
    before = (folder / "draft").read_bytes()
    done = trust(
        "add-key", folder / "draft", "--issuer", ISS, "--key", folder / "root1.pub.pem", "--usage", "card", "--json"
    )
    assert (done.status, done.error["code"]) == (1, "trust.two_usages")
    assert (folder / "draft").read_bytes() == before


def test_revoke_by_the_first_digits_of_a_thumbprint(folder: Path) -> None:
    """A key is named by its file or by digits of its thumbprint; the draft then says when and how it fell."""
    digits = CARD.verifying_key.thumbprint.hex()[:8]
    done = trust(
        "revoke-key",
        folder / "draft",
        "--key",
        digits,
        "--kind",
        "compromised",
        "--at",
        "2026-10-09T00:00:00Z",
        "--json",
    )
    assert (done.status, done.err) == (0, "")
    [facts] = done.lines
    assert facts["issuers"][0]["keys"][0]["revoked"] == {"at": 1_791_504_000, "kind": "compromised"}
    assert [change["effect"] for change in facts["changes"]] == ["narrowed"]


def test_show_in_chinese(folder: Path) -> None:
    """The differences between versions read in Chinese as well."""
    first = folder / "v1"
    first.write_bytes(signed(first_draft()))
    assert trust("draft", first, "--out", folder / "v2").status == 0
    assert trust("add-root", folder / "v2", "--key", folder / "other.pub.pem").status == 0
    shown = trust("show", first, folder / "v2", "--lang", "zh").out.splitlines()
    assert shown[:2] == [
        "自版本 1 至版本 2 的变更：",
        f"  + 新增  根密钥 {OTHER.verifying_key.thumbprint.hex()} Ed25519",
    ]


def test_show_names_who_signed(folder: Path) -> None:
    """A list shows the roots whose signatures hold, and none for a draft."""
    (folder / "copy").write_bytes(trust_draft.sign_draft(first_draft(), ROOTS[1], None))
    [of_copy] = trust("show", folder / "copy", "--json").lines
    [of_draft] = trust("show", folder / "draft", "--json").lines
    assert of_copy["signed_by"] == [ROOTS[1].verifying_key.thumbprint.hex()]
    assert of_draft["signed_by"] == []
    assert of_draft["payload_hash"] == of_copy["payload_hash"]
