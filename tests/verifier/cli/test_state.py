"""``icard init``, ``status``, ``bundle`` and ``verify --state``: what people type, see and get as an exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.moments import moment_text
from tests.kit.adversary import DAY, ROOTS, THRESHOLD, published, put
from tests.kit.cli import Done, run
from tests.kit.publisher import ANCHOR, INDEX, NOW, URI, another_domain, code, packed, spoiled, status, timestamp
from verifier.cli.commands import app
from verifier.cli.init_command import grouped
from verifier.store import Store

HOUR = 3600
AT = "2026-10-18T02:00:00Z"  # NOW
GOOD = packed(status(NOW - HOUR), lists=[ANCHOR], stamp=timestamp(NOW - HOUR))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an anchor and a good bundle in it."""
    (tmp_path / "anchor.cbor").write_bytes(ANCHOR)
    (tmp_path / "bundle.cbor").write_bytes(GOOD)
    return tmp_path


def icard(folder: Path, *arguments: str | Path, shown: str | None = None, **environment: str) -> Done:
    """Run a command on the state in this folder, at NOW."""
    extra = [] if arguments[:2] in (("bundle", "export"), ("bundle", "show")) else ["--now", AT]
    return run(app, *arguments, *extra, shown=shown, ICARD_STATE=str(folder / "state"), **environment)


def filled(folder: Path) -> Path:
    """The state with the anchor and the bundle taken in."""
    assert icard(folder, "init", "--anchor", folder / "anchor.cbor", "--yes").status == 0
    assert icard(folder, "bundle", "import", folder / "bundle.cbor").status == 0
    return folder / "state"


# icard init


def test_init_shows_the_roots_and_asks(folder: Path) -> None:
    """Every root's whole thumbprint stands there in groups of four; only yes starts the domain."""
    refused = icard(folder, "init", "--anchor", folder / "anchor.cbor", shown="n\n")
    assert refused.status == 64
    assert "cli.not_confirmed" in refused.err
    assert Store(folder / "state").names() == ()
    agreed = icard(folder, "init", "--anchor", folder / "anchor.cbor", shown="y\n")
    assert agreed.status == 0
    for root in ROOTS[:3]:
        for line in grouped(root.verifying_key.thumbprint):
            assert f"  {line}\n" in agreed.out
            assert re.fullmatch(r"([0-9a-f]{4} ){7}[0-9a-f]{4}", line)
    assert "Environment: test" in agreed.out
    assert "roots that must sign: 2/3" in agreed.out
    assert Store(folder / "state").names() == ("test",)


def test_init_speaks_chinese(folder: Path) -> None:
    """The question and the advice are in the language asked for."""
    done = icard(folder, "init", "--anchor", folder / "anchor.cbor", "--lang", "zh", shown="n\n")
    assert "是否完全一致？" in done.out
    assert "未经确认，未作任何更改" in done.err


def test_init_for_a_program(folder: Path) -> None:
    """With --json --yes is needed, for nobody is asked; the answer names every root."""
    without = icard(folder, "init", "--anchor", folder / "anchor.cbor", "--json")
    assert (without.status, without.error["code"]) == (64, "cli.not_confirmed")
    url = "https://cards.example.cn"
    done = icard(folder, "init", "--anchor", folder / "anchor.cbor", "--json", "--yes", "--url", url, "--name", "cn")
    assert done.status == 0
    (facts,) = done.lines
    assert (facts["name"], facts["threshold"], facts["version"]) == ("cn", 2, 1)
    assert facts["url"] == "https://cards.example.cn/" == Store(folder / "state").manifest("cn").url
    assert facts["roots"] == [root.verifying_key.thumbprint.hex() for root in ROOTS[:3]]


@pytest.mark.parametrize(
    "url", ["http://cards.example.cn/", "https://Cards.example.cn/", "https://u@cards.example.cn/"]
)
def test_init_takes_https_only(folder: Path, url: str) -> None:
    """An address in another form is refused, and nothing is started."""
    done = icard(folder, "init", "--anchor", folder / "anchor.cbor", "--yes", "--url", url, "--json")
    assert (done.status, done.error["code"]) == (64, "sync.url")
    assert Store(folder / "state").names() == ()


def test_init_refuses_what_is_no_anchor(folder: Path) -> None:
    """A bundle is none; neither is a list that one root may sign, unless that is asked for by name."""
    done = icard(folder, "init", "--anchor", folder / "bundle.cbor", "--yes", "--json")
    assert (done.status, done.error["code"]) == (64, "store.no_anchor")
    single = folder / "single.cbor"
    single.write_bytes(published(1, put(1, THRESHOLD), by=[ROOTS[0]]))
    done = icard(folder, "init", "--anchor", single, "--yes", "--json")
    assert (done.status, done.error["code"]) == (64, "trust.single_root")
    assert icard(folder, "init", "--anchor", single, "--yes", "--allow-single-root").status == 0


# icard bundle


def test_bundle_import_makes_cards_valid(folder: Path) -> None:
    """From an anchor and a file, without a network, to VALID; --trusted is not needed."""
    state = filled(folder)
    assert icard(folder, "verify", code()).status == 0
    elsewhere = run(app, "verify", code(), "--state", state, "--now", AT, "--json")
    (verdict,) = elsewhere.lines
    assert (verdict["outcome"], verdict["evidence"]["domain"]) == ("VALID", "test")


def test_bundle_import_turns_valid_into_revoked(folder: Path) -> None:
    """The next bundle revokes the card; without a newer one the verdict becomes unsure with time."""
    filled(folder)
    (folder / "next.cbor").write_bytes(packed(status(NOW, {INDEX: 1}), stamp=timestamp(NOW)))
    assert icard(folder, "bundle", "import", folder / "next.cbor").status == 0
    assert icard(folder, "verify", code()).status == 1
    late = run(app, "verify", code(index=INDEX + 1), "--now", "2027-06-01T00:00:00Z", ICARD_STATE=str(folder / "state"))
    assert late.status == 2


def test_bundle_import_says_what_was_refused(folder: Path) -> None:
    """One bad token: the rest is taken, the bad one is told with its reason, and the exit status says so."""
    filled(folder)
    (folder / "mixed.cbor").write_bytes(packed(spoiled(status(NOW)), status(NOW, {INDEX: 1}), stamp=timestamp(NOW)))
    done = icard(folder, "bundle", "import", folder / "mixed.cbor")
    assert done.status == 1
    assert "test  timestamp: taken" in done.out
    assert "REFUSED: The status list's signature is not valid" in done.out
    assert "(status.bad_signature)" in done.out
    assert f"status list {URI}: taken" in done.out


def test_bundle_import_of_a_bad_chain_takes_nothing(folder: Path) -> None:
    """The report says that the rest was not looked at."""
    filled(folder)
    (folder / "bad.cbor").write_bytes(packed(status(NOW), lists=[published(2, by=[ROOTS[0]])], stamp=timestamp(NOW)))
    done = icard(folder, "bundle", "import", folder / "bad.cbor", "--json")
    assert done.status == 1
    (report,) = done.lines
    assert [item["outcome"] for item in report["items"]] == ["refused", "skipped", "skipped"]
    assert report["items"][0]["error"]["code"] == "trust.threshold_current"


def test_a_truncated_bundle_is_refused_by_name(folder: Path) -> None:
    """Half a file is no bundle, and the state stays as it was."""
    filled(folder)
    (folder / "half.cbor").write_bytes(GOOD[: len(GOOD) // 2])
    done = icard(folder, "bundle", "import", folder / "half.cbor", "--json")
    assert (done.status, done.error["layer"]) == (64, "bundle")
    assert icard(folder, "verify", code()).status == 0


def test_bundle_export_is_what_another_imports(folder: Path) -> None:
    """The exported file holds the chain, the list and the timestamp."""
    filled(folder)
    assert icard(folder, "bundle", "export", folder / "out.cbor").status == 0
    assert decode_bundle((folder / "out.cbor").read_bytes()) == decode_bundle(GOOD)


def test_bundle_show_promises_nothing(folder: Path) -> None:
    """It names each part with its times and says that nothing is verified."""
    done = icard(folder, "bundle", "show", folder / "bundle.cbor")
    assert done.status == 0
    first, *rest = done.out.splitlines()
    assert first.startswith("Not verified")
    assert [line.partition(":")[0] for line in rest] == ["trust list 1", "timestamp", "status list https"]
    assert "issued 2026-10-18 01:00Z" in rest[2]
    (shown,) = icard(folder, "bundle", "show", folder / "bundle.cbor", "--json").lines
    assert shown["authenticated"] is False
    assert shown["parts"][2]["name"] == URI


def test_the_domain_is_named_where_there_are_several(folder: Path) -> None:
    """Two domains and no name is an error that lists them."""
    filled(folder)
    (folder / "second.cbor").write_bytes(published(1, *another_domain()))
    icard(folder, "init", "--anchor", folder / "second.cbor", "--yes", "--name", "second")
    done = icard(folder, "bundle", "import", folder / "bundle.cbor", "--json")
    assert (done.status, done.error["code"], done.error["expected"]) == (
        64,
        "store.which_domain",
        "one of second, test",
    )
    assert icard(folder, "bundle", "import", folder / "bundle.cbor", "--name", "test").status == 0


def test_a_time_far_ahead_is_taken_when_a_person_says_so(folder: Path) -> None:
    """Without the option the timestamp is refused, and the hint names it; watching cannot answer for a person."""
    filled(folder)
    far = NOW + 500 * DAY
    (folder / "far.cbor").write_bytes(packed(stamp=timestamp(far)))
    command = ("bundle", "import", folder / "far.cbor", "--now", moment_text(far))
    done = run(app, *command, ICARD_STATE=str(folder / "state"))
    assert done.status == 1
    assert "store.time_jump" in done.out
    assert run(app, *command, "--accept-time", ICARD_STATE=str(folder / "state")).status == 0
    done = run(app, "sync", "--watch", "--accept-time", ICARD_STATE=str(folder / "state"))
    assert (done.status, "--accept-time" in done.err) == (64, True)


def test_no_domain_yet(folder: Path) -> None:
    """Importing before init says what to do."""
    done = icard(folder, "bundle", "import", folder / "bundle.cbor")
    assert done.status == 64
    assert "store.no_such_domain" in done.err
    assert "icard init" in done.err


# icard status


def test_status_of_a_fresh_state(folder: Path) -> None:
    """All fresh is exit status 0; each row has its age and its end."""
    filled(folder)
    done = icard(folder, "status")
    assert done.status == 0
    rows = [line.split("  ") for line in done.out.splitlines() if " fresh" in line]
    assert len(rows) == 3
    assert any("1 h old" in line and URI in line for line in done.out.splitlines())
    assert "never synchronised" in done.out


def test_status_says_when_the_policy_stops_accepting(folder: Path) -> None:
    """The end is the token's own or the policy's limit, whichever comes first; then the row is stale and the exit 2."""
    filled(folder)
    (answer,) = icard(folder, "status", "--json").lines
    ends = {row["part"]: row["until"] for row in answer["rows"]}
    assert ends["status_list"] == NOW - HOUR + DAY + 1
    assert ends["timestamp"] == NOW - HOUR + 3 * DAY + 1
    (answer,) = icard(folder, "status", "--json", "--policy", "offline").lines
    assert {row["part"]: row["until"] for row in answer["rows"]}["status_list"] == NOW - HOUR + 31 * DAY
    late = run(app, "status", "--now", "2026-10-20T00:00:00Z", ICARD_STATE=str(folder / "state"))
    assert late.status == 2
    assert "STALE (older than the policy allows)" in late.out


def test_status_names_what_is_missing(folder: Path) -> None:
    """After init alone the timestamp is missing; without a domain the next step is named."""
    empty = icard(folder, "status")
    assert empty.status == 2
    assert "icard init" in empty.out
    icard(folder, "init", "--anchor", folder / "anchor.cbor", "--yes")
    done = icard(folder, "status", "--lang", "zh")
    assert done.status == 2
    assert "缺失" in done.out


def test_status_knows_a_clock_that_is_behind(folder: Path) -> None:
    """The warning says from when on the clock would be believed."""
    filled(folder)
    done = run(app, "status", "--now", "2026-10-09T00:00:00Z", "--json", ICARD_STATE=str(folder / "state"))
    (answer,) = done.lines
    assert (done.status, answer["warnings"][0]["code"]) == (2, "store.clock_behind")


def test_a_state_that_cannot_be_written_is_told_and_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification goes on as before; icard status shows the reason."""
    filled(folder)
    monkeypatch.setattr("verifier.cli.status_command.os.access", lambda *_: False)
    done = icard(folder, "status")
    assert done.status == 2
    assert "The state cannot be written" in done.err
    assert icard(folder, "verify", code()).status == 0


def test_damage_is_told_beside_the_verdict(folder: Path) -> None:
    """A status list that is damaged is a warning and a doubt, not a crash."""
    state = filled(folder)
    (mark,) = Store(state).manifest("test").marks[URI].values()
    assert mark.token is not None
    (state / "test" / "objects" / mark.token).write_bytes(b"")
    done = icard(folder, "verify", code())
    assert done.status == 2
    assert "store.damaged" in done.err


def test_a_newer_state_is_refused_by_verify(folder: Path) -> None:
    """Exit status 64 and the advice to update."""
    path = filled(folder) / "test" / "manifest"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 9}))
    done = icard(folder, "verify", code())
    assert done.status == 64
    assert "store.newer" in done.err


@pytest.mark.parametrize(
    "content", [b"not a list", code().encode(), b"\xd2\x84", status(NOW)], ids=["text", "code", "cut", "status"]
)
def test_a_file_that_is_no_trust_list_is_told_so(tmp_path: Path, content: bytes) -> None:
    """As what it is not, and not with the words for a card that somebody shows."""
    path = tmp_path / "anchor.cbor"
    path.write_bytes(content)
    done = run(app, "init", "--anchor", path, "--yes", "--state", tmp_path / "state")
    assert (done.status >= 64, "store.no_anchor" in done.err, "card" in done.err) == (True, True, False)
