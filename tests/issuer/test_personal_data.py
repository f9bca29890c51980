"""Personal data at rest: what a service leaves behind is searched for the marks in its cards, on both databases."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from PIL import Image

from icard_crypto.card.claims import decode_payload
from icard_crypto.encoding import envelope
from icard_crypto.signing import cose
from tests.issuer.conftest import new_database_url, postgres_server
from tests.kit.issuing_service import person
from tests.kit.postgres import Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
#: Rare characters, one word each: no other text of the service has five of them in a row.
_HAN = "龘靐齉爩鱻麤龗灪吁龖厵滟爨癵籱饢驫鲡鹂鸾"


def forms(mark: str) -> dict[str, bytes]:
    """How a mark may be written: texts, hexadecimal digits, base64 at its three places, escapes."""
    plain = mark.encode()
    found = {
        "utf-8": plain,
        "utf-16-le": mark.encode("utf-16-le"),
        "utf-16-be": mark.encode("utf-16-be"),
        "percent": quote(mark).encode(),
        "json": json.dumps(mark)[1:-1].encode(),
        "hexadecimal": plain.hex().encode(),
    }
    for shift in range(3):
        # The characters that hold bits of the neighbours are left out.
        inner = base64.b64encode(bytes(shift) + plain)[-(-shift * 8 // 6) : (shift + len(plain)) * 8 // 6]
        found[f"base64 at {shift}"] = inner
    return found


@dataclass
class Marks:
    """The words that must not be found, by what they are."""

    words: dict[str, str]

    def in_(self, content: bytes) -> list[str]:
        """Which are found, and in which form; upper and lower case are one."""
        folded = content.lower()
        return [
            f"{name} as {form}"
            for name, word in self.words.items()
            for written, form in {written.lower(): form for form, written in reversed(forms(word).items())}.items()
            if written in folded
        ]


def _word(chance: random.Random, letters: str = "ABCDEFGHJKLMNPQRSTUVWXYZ", length: int = 12) -> str:
    return "".join(chance.choice(letters) for _ in range(length))


def _portrait(mark: str) -> bytes:
    """A small picture whose metadata hold a mark."""
    made = io.BytesIO()
    Image.new("RGB", (24, 32), "grey").save(made, "WEBP", xmp=mark.encode())
    return made.getvalue()


def marked_card(number: int, chance: random.Random) -> tuple[dict[str, Any], dict[str, str]]:
    """A card's JSON with a mark in every field that can hold one, and the marks."""
    obj = person(number).to_json()
    marks = {
        "name": _word(chance),
        "name_native": _word(chance, _HAN, 5),
        "permit number": "R" + _word(chance, "0123456789", 17),
        "employer": _word(chance),
        "position": _word(chance),
        "certificate": _word(chance),
        "photo": _word(chance),
    }
    obj["holder"]["name"] = f"{marks['name']} MARKED"
    obj["holder"]["name_native"]["text"] = marks["name_native"]
    obj["holder"]["photo"] = {
        "format": "webp",
        "data": base64.b64encode(_portrait(marks["photo"])).decode(),
    }
    obj["permit"]["number"] = marks["permit number"]
    obj["permit"]["number_last4"] = marks["permit number"][-4:]
    obj["permit"]["employer"] = f"{marks['employer']} Ltd"
    obj["permit"]["position"] = f"{marks['position']} engineer"
    obj["insurance"]["exemptions"][0]["certificate"] = marks["certificate"]
    return obj, {f"{name} {number}": word for name, word in marks.items()}


def marked_rows(path: Path, chance: random.Random) -> dict[str, str]:
    """A bulk file: two good rows, and bad ones for each text of a card, with a mark where none must be. The marks."""
    good, marks = marked_card(3, chance)
    other, others = marked_card(4, chance)
    marks |= others
    rows: list[Any] = [good, other]
    for section in ("holder", "permit", "insurance"):
        for name, value in good[section].items():
            if isinstance(value, str):
                # In the wrong form, or too long where any text would do.
                marks[f"bad {section}.{name}"] = mark = _word(chance)
                bad, _ = marked_card(5, chance)
                bad[section][name] = f"{mark}\n{mark * 30}"
                rows.append(bad)
                # Short, at the end of a good beginning, as a slip of the pen is.
                marks[f"slip in {section}.{name}"] = mark = _word(chance)
                bad, _ = marked_card(5, chance)
                bad[section][name] = f"{value}\t{mark}"
                rows.append(bad)
    for number, form in enumerate(('{"holder": {"name": "%s}', '{"%s": 1}', '{"holder": "%s"}', "%s,%s", "[1, %s")):
        marks[f"no row {number}"] = mark = _word(chance)
        rows.append(form.replace("%s", mark))
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), "utf-8")
    return marks


@dataclass
class Left:
    """What a killed service left behind."""

    url: str
    server: Server | None
    folder: Path
    said: bytes
    marks: Marks
    codes: list[str]
    temporary: Path
    untouched: bool

    def files(self, below: str = "") -> Iterator[Path]:
        for path in sorted((self.folder / below).rglob("*")):
            if path.is_file():
                yield path


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """A service issued, replaced, found, revoked, published and rewrapped marked cards, and was killed."""
    tmp_path = tmp_path_factory.mktemp("marked")
    chance = random.Random(str(tmp_path))
    objects: list[dict[str, Any]] = []
    marks: dict[str, str] = {}
    for number in (1, 2):
        obj, words = marked_card(number, chance)
        objects.append(obj)
        marks |= words
    marks |= marked_rows(tmp_path / "many.jsonl", chance)
    marks |= {"operator": _word(chance), "reason": _word(chance), "passphrase": _word(chance)}
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    before = temporary.stat().st_mtime_ns
    folder = tmp_path / "service"
    folder.mkdir()
    server = own_server() if request.param == "postgresql" else None
    url = server.new_database() if server else new_database_url("sqlite", folder)
    asked = {
        "folder": str(folder),
        "url": url,
        "cards": objects,
        "operator": f"host:{marks['operator']}",
        "reason": marks["reason"],
        "passphrase": marks["passphrase"],
        "handed": str(tmp_path / "handed"),
        "file": str(tmp_path / "many.jsonl"),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.kit.marked_process"],
        input=json.dumps(asked).encode(),
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary), "SQLITE_TMPDIR": str(temporary)},
        check=False,
    )
    assert ended.returncode == -9, ended.stderr.decode()[-2000:]
    codes = (tmp_path / "handed").read_text("ascii").split("\n")
    same = temporary.stat().st_mtime_ns == before
    yield Left(url, server, folder, ended.stdout + ended.stderr, Marks(marks), codes, temporary, same)
    if server:
        server.remove()


def own_server() -> Server:
    """A server with nothing on it but this: all its files are read."""
    postgres_server()
    return Server()


def database_files(left: Left) -> dict[str, bytes]:
    """Every file in which the database keeps or tells something, and its dump."""
    server = left.server
    if server is None:
        found = {path.name: path.read_bytes() for path in left.folder.glob("issuer.db*")}
        assert {"issuer.db", "issuer.db-wal", "issuer.db-shm"} <= set(found)
        assert len(found["issuer.db-wal"]) > 0
        return found
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    place = Path(data).parent
    found = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert {"log", "data/PG_VERSION"} <= set(found)
    return found | {"the dump": server.dump(left.url)}


@pytest.mark.parametrize("word", ["QJXKVWZYPLMN", "龘靐齉爩鱻"])
def test_a_mark_is_found_in_every_form(word: str) -> None:
    """The search sees a mark in each of its forms, whatever stands around it."""
    marks = Marks({"mark": word})
    written = [
        f"a {word} b".encode(),
        f"a {word} b".encode("utf-16-le"),
        f"a {word} b".encode("utf-16-be"),
        f"?name={quote(word)}&".encode(),
        json.dumps({"name": word}).encode(),
        f"\\x{f'a {word} b'.encode().hex().upper()}".encode(),
        *(base64.b64encode(b"abc"[:shift] + word.encode() + b"xyz") for shift in range(3)),
        f"a {word.lower()} b".encode(),
    ]
    assert [content for content in written if not marks.in_(content)] == []
    assert marks.in_(b"nothing of the kind") == []


def test_the_marks_are_in_the_codes_that_were_handed_out(left: Left) -> None:
    """The search would find them: an authority's code, opened, shows name, numbers and employer."""
    tokens = [envelope.read(text).cose for text in left.codes]
    shown = Marks(left.marks.words).in_(b"".join(tokens))
    for name in ("name 1", "permit number 1", "employer 2", "photo 1"):
        assert f"{name} as utf-8" in shown
    assert len({decode_payload(cose.parse_sign1(token).payload).cti for token in tokens}) == 9 + 6


def test_the_database_shows_no_mark(left: Left) -> None:
    """Neither its files, its log of changes and its dump, nor what the server writes into its own log."""
    files = database_files(left)
    named = [name for name, content in files.items() if b"card.issue" in content]
    assert named, "the acts of this service are in what is searched"
    assert {name: found for name, content in files.items() if (found := left.marks.in_(content))} == {}


def test_the_database_shows_no_code_and_no_payload(left: Left) -> None:
    """A stored code is sealed as a whole: no stretch of its text, its token or its payload is in clear."""
    stretches: list[bytes] = []
    for text in left.codes:
        token = envelope.read(text).cose
        payload = cose.parse_sign1(token).payload
        stretches += [text[40:72].encode(), token[-64:], token[-64:].hex().encode(), payload[8:40]]
        stretches += [payload[8:40].hex().encode(), base64.b64encode(token[-63:])]
    files = database_files(left)
    assert [name for name, content in files.items() if any(stretch in content for stretch in stretches)] == []


def test_the_database_shows_no_key(left: Left) -> None:
    """Neither the master keys nor the key of the keyed hashes are in the database."""
    master = json.loads((left.folder / "master.key").read_bytes())
    keys = [base64.b64decode(entry["key"]) for entry in master["keys"]] + [base64.b64decode(master["index"])]
    assert len(keys) == 3
    written = [form for key in keys for form in (key, key.hex().encode(), base64.b64encode(key))]
    files = database_files(left)
    assert [name for name, content in files.items() if any(form in content for form in written)] == []


def test_a_report_of_refused_rows_shows_no_mark(left: Left) -> None:
    """Every bad row is in it, by its number and what was wrong, and nothing of what it holds."""
    report = (left.folder / "refused.csv").read_text("utf-8").splitlines()
    # A row may have several faults, each in a line of its own.
    rows = {line.partition(",")[0] for line in report[1:]}
    assert len(rows) == sum(name.startswith(("bad ", "slip ", "no row ")) for name in left.marks.words)
    assert left.marks.in_("\n".join(report).encode()) == []


def test_logs_show_no_mark(left: Left) -> None:
    """With every logger at its loudest, and a refusal printed with its traceback."""
    assert b"issue.card_exists" in left.said
    assert b"published" in left.said
    assert left.marks.in_(left.said) == []


def test_files_show_no_mark(left: Left) -> None:
    """Keystore, master key, published files and whatever else lies in the service's folder."""
    names = {path.relative_to(left.folder).parts[0] for path in left.files()}
    assert {"keys", "master.key", "published", "refused.csv"} <= names
    assert [path.name for path in left.files("published")]
    assert {path.name: found for path in left.files() if (found := left.marks.in_(path.read_bytes()))} == {}


def test_no_temporary_file_is_made(left: Left) -> None:
    """The folder for temporary files was never written to, so that nothing was there even for a moment."""
    assert list(left.temporary.iterdir()) == []
    assert left.untouched
