"""The application form as pages to print, sign and seal: what the application says now, in Chinese and English.

Promises:

1. It says all that the application's page says, part by part, and lists the documents that go with it.
2. Each download is made from what is saved then, and says when; whoever sees the application may download it.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.documents.sheets import Report, Section, draw_report
from issuer.permits import views
from issuer.permits.certificates import sheet_banner
from issuer.permits.views import FilingView
from issuer.portal.catalogue import Words
from issuer.portal.filing_shown import filed_facts
from issuer.portal.pages import Pages
from issuer.portal.parts import Fact
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .filings import permit_seen, values_of

__all__ = ["pages"]

pages = Pages()
_SEEN: Final = Access("person", ("filing.read", "filing.read_own"), owned="filing")
_ZH: Final = Words("zh")
_EN: Final = Words("en")
_SIGNED: Final = ("form_true", "form_applicant", "form_seal")


@pages.get("filings/{filing_id}/form", _SEEN, costly=True)
def download_form(visit: Visit, filing_id: str) -> Response:
    """The form as PDF."""
    view, core = views.show_filing(visit.core, visit.call.who, filing_id), visit.core
    now = int(core.clock.local())
    needed = [f"□ {item.title['zh']} {item.title['en']}" for item in view.checklist if item.need != "not_needed"]
    title = _ZH(f"filing.process_{view.process}"), _EN(f"filing.process_{view.process}")
    sections = [
        *_filed(visit, view),
        Section(_ZH("filing.materials"), _EN("filing.materials"), needed),
        Section(_ZH("filing.form_signed"), _EN("filing.form_signed"), [_both(f"filing.{name}") for name in _SIGNED]),
    ]
    notes = [
        _line("filing.number", filing_id[:8].upper()),
        _line("filing.employer", view.employer),
        *(t("filing.form_made", moment=t.moment(now)) for t in (_ZH, _EN)),
    ]
    report = Report(*title, core.settings.name_zh or core.settings.issuer, sections, notes, sheet_banner(core))
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="application-form.pdf"'}
    return Response(draw_report(report, now), media_type="application/pdf", headers=headers)


def _filed(visit: Visit, view: FilingView) -> list[Section]:
    """What the application says, part by part; a value that both languages write alike stands there once."""
    kept = values_of(permit_seen(visit, view))
    pairs = zip(filed_facts(_ZH, view, kept=kept), filed_facts(_EN, view, kept=kept), strict=True)
    return [
        Section(
            _ZH(f"filing.part_{part}"),
            _EN(f"filing.part_{part}"),
            [_row(*each) for each in zip(chinese, english, strict=True)],
        )
        for (part, chinese), (_, english) in pairs
    ]


def _row(zh: Fact, en: Fact) -> str:
    label = f"{zh.key} {en.key}" + ("" if en.key.endswith("?") else ":")
    return f"{label} {zh.value}" if zh.value == en.value else f"{label} {zh.value} / {en.value}"


def _line(name: str, value: str) -> str:
    return f"{_both(name)}: {value}"


def _both(name: str) -> str:
    return f"{_ZH(name)} {_EN(name)}"
