"""The certificate of a permit: what its card says in one profile, on paper, with the code of that profile.

Promises:

1. The sheet says what the profile discloses and no more; which profile is for whom is
   :mod:`issuer.cards.visibility`.
2. It says when it was made, and that only its code shows how things stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.card.card import Card, Profile
from icard_crypto.errors import Conflict
from issuer import cards
from issuer.accounts.principals import Principal
from issuer.cards.visibility import require_profile
from issuer.core import Core
from issuer.documents.sheets import Line, Sheet, shown_name, shown_text
from issuer.rules.days import day_of
from issuer.rules.regions import region_name

from .names import latin
from .parties import load_permit

__all__ = ["certificate_sheet", "lines_of", "require_card_of", "sheet_banner"]

_BANNER: Final = "测试环境，不具法律效力 · TEST ENVIRONMENT, WITHOUT LEGAL EFFECT"
_SEX: Final = {1: "男 Male", 2: "女 Female", 3: "其他 Other"}
_NO_NATIVE: Final = (
    "中文姓名含字体未收录的字符，仅显示护照姓名。"
    "The name in Chinese has characters that the font lacks; only the passport's is shown."
)
#: Fields of a card in the order of the sheet: path, labels, and how the value is written.
_FIELDS: Final[tuple[tuple[str, str, str, Callable[[Any], str]], ...]] = (
    ("holder.name", "姓名", "Name", str),
    ("holder.name_native", "中文姓名", "Name in Chinese", str),
    ("holder.gender", "性别", "Sex", lambda value: _SEX.get(value, str(value))),
    ("holder.nationality", "国籍", "Nationality", str),
    ("holder.date_of_birth", "出生日期", "Date of birth", str),
    ("holder.year_of_birth", "出生年份", "Year of birth", str),
    ("permit.number", "工作许可证号", "Permit number", str),
    ("permit.number_last4", "许可证号末四位", "Permit number, last four", str),
    ("permit.category", "类别", "Category", str),
    ("permit.employer", "用人单位", "Employer", str),
    ("permit.employer_code", "统一社会信用代码", "Unified social credit code", str),
    ("permit.position", "职位", "Position", str),
    ("permit.valid_from", "有效期自", "Valid from", str),
    ("permit.valid_until", "有效期至", "Valid until", str),
    ("permit.region", "地区", "Region", lambda value: f"{region_name(value, 'zh')} {region_name(value, 'en')}"),
    ("permit.authority", "发证机关", "Authority", str),
)
#: What a fuller field makes needless.
_INSTEAD: Final = {"holder.year_of_birth": "holder.date_of_birth", "permit.number_last4": "permit.number"}


def require_card_of(core: Core, who: Principal, permit_id: str, profile: Profile) -> str:
    """The id of a permit's card, for somebody who may see that much of it.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
        Conflict: ``permit.no_card``.
    """
    require_profile(who, profile)

    def look(session: Session) -> str:
        row = load_permit(core, session, who, permit_id)
        if row.card_id is None:
            raise Conflict("permit.no_card")
        return row.card_id

    return core.database.read(look)


def certificate_sheet(core: Core, card_id: str, profile: Profile, code: str) -> tuple[Sheet, int]:
    """The certificate of a card in one profile, and the time at which it was made.

    Args:
        code: the text of the card's newest code of that profile.
    """
    view = cards.show(core, card_id)
    now = int(core.clock.local())
    today = day_of(now)
    lines, notes = lines_of(view.card.for_profile(profile, photo=False))
    notes += [
        f"本证明于 {today.isoformat()} 由系统制作；许可现状以扫码核验结果为准。"
        f"Made by the system on {today.isoformat()}; how the permit stands now is what a scan of the code shows."
    ]
    sheet = Sheet(
        title_zh="外国人工作许可证明",
        title_en="Certificate of a Foreigner's Work Permit",
        issuer=core.settings.name_zh or core.settings.issuer,
        lines=lines,
        code=code,
        code_zh="请用核验程序扫描二维码，并核对持证人与证件照片。",
        code_en="Scan the code with a verifier, and compare the holder with an identity document.",
        notes=notes,
        banner=sheet_banner(core),
    )
    return sheet, now


def sheet_banner(core: Core) -> str | None:
    """What is across the top of a sheet of a test environment."""
    return _BANNER if core.settings.environment == "test" else None


def lines_of(card: Card) -> tuple[list[Line], list[str]]:
    """The lines of a sheet about a card, and the notes on what the fonts don't have."""
    values = {path: _value(card, path) for path, *_ in _FIELDS}
    lines: list[Line] = []
    notes: dict[str, None] = {}
    for path, zh, en, written in _FIELDS:
        value = values[path]
        if value is None or values.get(_INSTEAD.get(path, "")) is not None:
            continue
        text = written(value)
        if path == "holder.name":
            text, note = shown_name(text, latin(text))
        elif path == "holder.name_native":
            drawn, note = shown_text(text)
            if note is not None:
                # A name with a hole in it is no name: the Latin one above stands alone.
                notes[_NO_NATIVE] = None
                continue
            text = drawn
        else:
            text, note = shown_text(text)
        if note is not None:
            notes[note] = None
        lines.append(Line(zh, en, text))
    return lines, list(notes)


def _value(card: Card, path: str) -> Any:
    part, _, name = path.partition(".")
    return getattr(getattr(card, part), name)
