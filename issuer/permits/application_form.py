"""The application form as pages to print, sign and seal: what the application says now, in Chinese and English.

Promises:

1. It says all that the application's page says, part by part, and lists the documents that go with it.
2. Each one is made from what is saved then, and says when; whoever sees the application may have it.
"""

from __future__ import annotations

from typing import Final

from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.documents.sheets import Report, Section, draw_report
from issuer.wording.catalogue import Wording

from .certificates import sheet_banner
from .filed_values import Filed, filed_values, permit_seen, values_of
from .views import FilingView, show_filing

__all__ = ["FORM_FILE", "draw_form"]

#: The name of the file.
FORM_FILE: Final = "application-form.pdf"
_ZH: Final = Wording("zh")
_EN: Final = Wording("en")
_SIGNED: Final = ("form_true", "form_applicant", "form_seal")


def draw_form(core: Core, who: Principal, filing_id: str) -> bytes:
    """The form of an application as PDF.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``.
    """
    view, now = show_filing(core, who, filing_id), int(core.clock.local())
    needed = [f"□ {item.title['zh']} {item.title['en']}" for item in view.checklist if item.need != "not_needed"]
    title = _ZH(f"filing.process_{view.process}"), _EN(f"filing.process_{view.process}")
    sections = [
        *_filed(view, values_of(permit_seen(core, who, view))),
        Section(_ZH("filing.materials"), _EN("filing.materials"), needed),
        Section(_ZH("filing.form_signed"), _EN("filing.form_signed"), [_both(f"filing.{name}") for name in _SIGNED]),
    ]
    notes = [
        _line("filing.number", filing_id[:8].upper()),
        _line("filing.employer", view.employer),
        *(t("filing.form_made", moment=t.moment(now)) for t in (_ZH, _EN)),
    ]
    report = Report(*title, core.settings.name_zh or core.settings.issuer, sections, notes, sheet_banner(core))
    return draw_report(report, now)


def _filed(view: FilingView, kept: dict[str, str]) -> list[Section]:
    """What the application says, part by part; a value that both languages write alike stands there once."""
    pairs = zip(filed_values(_ZH, view, kept), filed_values(_EN, view, kept), strict=True)
    return [
        Section(
            _ZH(f"filing.part_{part}"),
            _EN(f"filing.part_{part}"),
            [_row(*each) for each in zip(chinese, english, strict=True)],
        )
        for (part, chinese), (_, english) in pairs
    ]


def _row(zh: Filed, en: Filed) -> str:
    label = f"{zh.label} {en.label}" + ("" if en.label.endswith("?") else ":")
    return f"{label} {zh.value}" if zh.value == en.value else f"{label} {zh.value} / {en.value}"


def _line(name: str, value: str) -> str:
    return f"{_both(name)}: {value}"


def _both(name: str) -> str:
    return f"{_ZH(name)} {_EN(name)}"
