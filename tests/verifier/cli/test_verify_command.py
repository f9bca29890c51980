"""``icard verify``: verdicts, words, exit statuses, JSON."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from icard_crypto import qr
from icard_crypto.card.card import Profile
from icard_crypto.encoding import envelope
from tests.kit.cli import NOW, Done, run, trusted_file
from tests.kit.trust_domain import OTHER_KEY, code
from verifier import verdict_schema
from verifier.cli.commands import app


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return trusted_file(tmp_path)


def verify(trusted: Path, shown: str | Path, *more: str, policy: str = "unsafe_no_status", **keywords: str) -> Done:
    return run(app, "verify", shown, "--trusted", trusted, "--now", NOW, "--policy", policy, *more, **keywords)


def picture(*texts: str) -> bytes:
    """One picture with a code for each text, side by side."""
    drawn = [Image.open(BytesIO(qr.draw(text, module_size=4).png())).convert("L") for text in texts]
    canvas = Image.new("L", (sum(part.width for part in drawn), max(part.height for part in drawn)), 255)
    at = 0
    for part in drawn:
        canvas.paste(part, (at, 0))
        at += part.width
    out = BytesIO()
    canvas.save(out, "PNG")
    return out.getvalue()


def test_valid_code_says_so_with_name_permit_and_environment(trusted: Path) -> None:
    """A good code: exit 0, the word, the name, the permit, the face, the knowledge, and that it is a test."""
    done = verify(trusted, code())
    assert done.status == 0
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0] == "✓ VALID"
    assert lines[1] == "TEST ENVIRONMENT - this is not a real card"
    assert lines[2] == "Genuine card. The work permit is in force."
    assert "Name: HANNELORE BRIGITTA VOGEL · 沃格尔汉娜" in lines
    assert "Permit: In force (as of 2026-10-08) · category B · until 2028-04-30 · region 310115" in lines
    assert "Insurance: In force (as of 2026-10-08) · paid through 2026-09" in lines
    assert "Holder: No photo in the code. Ask for the passport and compare it." in lines
    assert "Known: keys given by file · no status list" in lines


def test_words_are_chinese_when_asked_for(trusted: Path) -> None:
    """--lang zh, and a Chinese LANG without it, give Chinese words."""
    asked = verify(trusted, code(), "--lang", "zh")
    assert asked.out.splitlines()[0] == "✓ 有效"
    assert "测试环境——非真实集成卡" in asked.out
    assert "姓名：HANNELORE BRIGITTA VOGEL · 沃格尔汉娜" in asked.out
    assert verify(trusted, code(), LANG="zh_CN.UTF-8").out == asked.out
    assert verify(trusted, code(), "--lang", "en", LANG="zh_CN.UTF-8").out.startswith("✓ VALID")


def test_missing_status_is_not_confirmed(trusted: Path) -> None:
    """Under a policy that needs the status list, exit 2 and the sign of doubt; the name of a trusted card shows."""
    done = verify(trusted, code(), policy="gate")
    assert done.status == 2
    assert done.out.startswith("? NOT CONFIRMED\n")
    assert "HANNELORE" in done.out


def test_untrusted_code_shows_nothing_of_the_card(trusted: Path) -> None:
    """A code of a stranger's key: exit 1, and no name."""
    done = verify(trusted, code(key=OTHER_KEY))
    assert done.status == 1
    assert done.out.startswith("✕ INVALID\n")
    assert "HANNELORE" not in done.out
    assert "Known: no trusted key signed this · no status list" in done.out


def test_without_trusted_keys_nothing_is_valid() -> None:
    """No --trusted: the answer is that there is no trust list."""
    done = run(app, "verify", code(), "--now", NOW)
    assert done.status == 2
    assert done.out.startswith("? NOT CONFIRMED\n")


def test_work_code_shows_the_employer(trusted: Path) -> None:
    """What the profile discloses is shown."""
    assert "Employer: 上海申乐精密机械有限公司" in verify(trusted, code(Profile.WORK)).out


def test_now_decides(trusted: Path) -> None:
    """A time after the code's end makes it expired."""
    done = run(
        app, "verify", code(), "--trusted", trusted, "--policy", "unsafe_no_status", "--now", "2030-01-01T00:00Z"
    )
    assert done.status == 1
    assert "ended" in done.out.lower() or "expired" in done.out.lower()


def test_json_is_a_verdict_of_the_schema(trusted: Path) -> None:
    """--json prints one object that keeps to the schema of verdicts."""
    [verdict] = verify(trusted, code(), "--json").lines
    jsonschema.validate(verdict, verdict_schema())
    assert (verdict["outcome"], verdict["card"]["holder"]["name"]) == ("VALID", "HANNELORE BRIGITTA VOGEL")
    assert verdict["evidence"]["clock"] == NOW


def test_forms_and_sources_agree(trusted: Path, tmp_path: Path) -> None:
    """Text, text file, COSE file, Claim 169, PNG and PDF of one code are all valid."""
    text = code()
    cose = envelope.read(text).cose
    (tmp_path / "a.txt").write_text(f"\ufeff\n {text[:40]}\r\n{text[40:]} \n", "utf-8")
    (tmp_path / "a.cose").write_bytes(cose)
    (tmp_path / "a.bin").write_bytes(picture(text))
    Image.open(BytesIO(picture(text))).convert("RGB").save(tmp_path / "a.pdf")
    files = [str(tmp_path / f"a.{end}") for end in ("txt", "cose", "bin", "pdf")]
    for shown in (text, f"\ufeff{text}", envelope.to_claim169(cose), *files):
        assert verify(trusted, shown).status == 0, shown


@pytest.mark.parametrize("kind", ["text", "cose", "picture"])
def test_standard_input_takes_text_and_bytes(trusted: Path, kind: str) -> None:
    """``-`` reads a text, COSE bytes or a picture."""
    shown = {"text": code().encode(), "cose": envelope.read(code()).cose, "picture": picture(code())}[kind]
    done = run(app, "verify", "-", "--trusted", trusted, "--now", NOW, "--policy", "unsafe_no_status", shown=shown)
    assert done.status == 0
    assert done.out.startswith("-: ✓ VALID")


def test_picture_of_two_codes_gives_two_verdicts(trusted: Path, tmp_path: Path) -> None:
    """Never "the first valid one": a stranger's code beside a good one makes the exit status 1."""
    path = tmp_path / "two.png"
    path.write_bytes(picture(code(), code(key=OTHER_KEY)))
    done = verify(trusted, path, "--json")
    assert sorted(verdict["outcome"] for verdict in done.lines) == ["INVALID", "VALID"]
    assert done.status == 1


def test_pages_without_a_code_are_passed_over(trusted: Path, tmp_path: Path) -> None:
    """A PDF whose second page has the code is valid; one without any says that there is none."""
    blank = Image.new("RGB", (400, 400), "white")
    path = tmp_path / "two.pdf"
    blank.save(path, save_all=True, append_images=[Image.open(BytesIO(picture(code()))).convert("RGB")])
    assert [verdict["outcome"] for verdict in verify(trusted, path, "--json").lines] == ["VALID"]
    blank.save(path)
    [verdict] = verify(trusted, path, "--json").lines
    assert verdict["error"]["code"] == "picture.no_code"


def test_folder_gives_a_verdict_for_each_file(trusted: Path, tmp_path: Path) -> None:
    """Files in order of their names, other files and hidden ones passed over, and the worst decides."""
    folder = tmp_path / "codes"
    folder.mkdir()
    (folder / "b.png").write_bytes(picture(code()))
    (folder / "a.txt").write_text("https://example.com/")
    (folder / "notes.md").write_text("no code")
    (folder / ".c.png").write_bytes(b"hidden")
    done = verify(trusted, folder, "--json")
    assert [(line["source"], line["verdict"]["outcome"]) for line in done.lines] == [
        ("a.txt", "INVALID"),
        ("b.png", "VALID"),
    ]
    assert done.status == 1
    assert "b.png: ✓ VALID" in verify(trusted, folder).out


@pytest.mark.parametrize(
    ("texts", "status"),
    [(("good",), 0), (("good", "doubt"), 2), (("doubt", "bad"), 1), (("good", "doubt", "bad"), 1)],
)
def test_worst_of_several_decides(trusted: Path, tmp_path: Path, texts: tuple[str, ...], status: int) -> None:
    """Invalid outweighs not confirmed, which outweighs valid. A public code leaves the employer open: doubt."""
    folder = tmp_path / "codes"
    folder.mkdir()
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"name": "unsafe_mine", "status_required": False, "employer_disclosed": True}))
    shown = {"good": code(Profile.WORK), "doubt": code(), "bad": "HTTPS://EXAMPLE.COM"}
    for name in texts:
        (folder / f"{name}.txt").write_text(shown[name])
    assert verify(trusted, folder, policy=str(rules)).status == status


def test_file_that_cannot_be_read_does_not_hide_the_others(trusted: Path, tmp_path: Path) -> None:
    """In a folder a dangling link is a verdict of its own."""
    folder = tmp_path / "codes"
    folder.mkdir()
    (folder / "a.png").symlink_to(tmp_path / "gone.png")
    (folder / "b.txt").write_text(code())
    done = verify(trusted, folder, "--json")
    assert [line["verdict"]["outcome"] for line in done.lines] == ["INVALID", "VALID"]
    assert done.lines[0]["verdict"]["error"]["code"] == "picture.unreadable"


def test_names_of_files_cannot_move_the_cursor(trusted: Path, tmp_path: Path) -> None:
    """Control characters in a name are escaped."""
    folder = tmp_path / "codes"
    folder.mkdir()
    (folder / "a\x1b[2J.txt").write_text("x")
    done = verify(trusted, folder)
    assert "\x1b" not in done.out
    assert "a\\x1b[2J.txt: ✕ INVALID" in done.out
