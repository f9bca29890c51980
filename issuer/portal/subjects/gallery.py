"""The gallery: every component with invented content, on one page that tests walk and people look at."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import Response

from icard_crypto import qr
from issuer.portal.catalogue import Words
from issuer.portal.faults import FieldError
from issuer.portal.pages import Pages
from issuer.portal.parts import (
    Act,
    Cell,
    Check,
    Choice,
    Deadline,
    Entry,
    Fact,
    Grid,
    Message,
    Report,
    Row,
    Rule,
    Step,
    Tag,
    Upload,
    name_differences,
)
from issuer.portal.rendering import pictured
from issuer.portal.views import FaceView
from issuer.portal.visits import Visit

from .access import ANYONE

__all__ = ["pages"]

pages = Pages()
_NAME, _NATIVE = "VON HOHENLOHE-WALDENBURG MAXIMILIANE", "马克西米利安娜"
_CODE = "IC1:" + "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE" * 9


@pages.get("gallery", ANYONE)
def gallery(visit: Visit) -> Response:
    """All components."""
    return visit.page("gallery.html", **_samples(visit.words))


def _samples(t: Words) -> dict[str, Any]:
    rule = Rule(t("gallery.rule"), t("gallery.rule_source"), t("gallery.rule_region"), date(2018, 2, 28), "law")
    own = Rule(t("gallery.rule_own"), t("gallery.rule_own_source"), t("gallery.rule_region"), date(2026, 1, 1), "own")
    soon = _deadline(t, date(2026, 12, 5), 6, "working", rule)
    over = _deadline(t, date(2026, 11, 24), -5, "calendar", own)
    later = Deadline(date(2027, 3, 1), 92, "calendar", False, t("gallery.employer"), t("gallery.otherwise"), rule)
    return {
        "tags": [
            *((Tag(t("gallery.tag_ok"), "ok"), Tag(t("gallery.tag_info"), "info"), Tag(t("gallery.tag_neutral")))),
            *((Tag(t("gallery.tag_warn"), "warn"), Tag(t("gallery.tag_bad"), "bad"))),
        ],
        "due": [
            Row(t("gallery.due_insurance"), "NGUYEN Van An", over, Act(t("gallery.act_register"), "#due")),
            Row(t("gallery.due_extension"), _NAME, soon, Act(t("gallery.act_file"), "#due")),
            Row(t("gallery.due_report"), "SMITH John", later, Act(t("gallery.act_upload"), "#due")),
        ],
        "soon": soon,
        "facts": [
            Fact(t("gallery.name"), _NAME, Act(t("common.change"), "#facts")),
            Fact(t("gallery.native"), _NATIVE, lang="zh-Hans"),
            Fact(t("gallery.permit"), "310115202600000001", code=True),
            Fact(t("gallery.valid"), t.day(date(2027, 3, 31)), tag=Tag(t("card.in_force"), "ok"), rule=rule),
            Fact(t("gallery.employer_key"), t("gallery.employer_name"), disputed=True),
        ],
        "steps": [
            Step(t("gallery.step_filed"), "done"),
            Step(t("gallery.step_review"), "done"),
            Step(t("gallery.step_accepted"), "now", t("due.by", day=t.day(date(2026, 12, 5)))),
            Step(t("gallery.step_decided"), "later"),
            Step(t("gallery.step_delivered"), "later"),
        ],
        "timeline": [
            Entry(
                t.moment(1795850000),
                t("gallery.tl_returned"),
                t("gallery.office"),
                t("gallery.tl_detail"),
                t("gallery.tl_turn"),
            ),
            Entry(t.moment(1795750000), t("gallery.tl_review"), t("gallery.office")),
            Entry(t.moment(1795600000), t("gallery.tl_filed"), t("gallery.employer_name")),
        ],
        "checks": [
            Check(t("gallery.ch_passport"), "done", t("gallery.ch_passport_why")),
            Check(
                t("gallery.ch_medical"), "open", t("gallery.ch_medical_why"), Act(t("gallery.act_upload"), "#checks")
            ),
            Check(
                t("gallery.ch_contract"),
                "wrong",
                t("gallery.ch_contract_why"),
                Act(t("gallery.act_replace"), "#checks"),
            ),
            Check(t("gallery.ch_degree"), "unneeded", t("gallery.ch_degree_why")),
        ],
        "parts": name_differences("LI ANNA MARIA", "LI ANNE MARIA"),
        "messages": [
            Message(t("gallery.employer_name"), t.moment(1795600000), t("gallery.msg_own"), own=True),
            Message(t("gallery.office"), t.moment(1795690000), t("gallery.msg_office"), own=False),
        ],
        "report": Report(
            "R-2026-0417", t("gallery.employer_key"), t("gallery.report_text"), Tag(t("gallery.tag_info"), "info"), soon
        ),
        "upload": Upload("diploma-m-sc.pdf", "2.4 MB", 3, "#forms"),
        "grid": Grid(
            [t("gallery.pension"), t("gallery.medical"), t("gallery.injury")],
            [
                (t.month(2026, 9), [("tick", t("gallery.paid"))] * 3),
                (
                    t.month(2026, 10),
                    [("tick", t("gallery.paid")), ("cross", t("gallery.unpaid")), ("tick", t("gallery.paid"))],
                ),
                (
                    t.month(2026, 11),
                    [("dash", t("gallery.exempt")), ("warn", t("gallery.waiting")), ("tick", t("gallery.paid"))],
                ),
            ],
        ),
        "columns": [
            t("gallery.name"),
            t("gallery.kind"),
            t("gallery.due_day"),
            t("gallery.documents"),
            t("gallery.state"),
        ],
        "rows": [
            [
                Cell(_NAME, "#tables", more=t("gallery.employer_name")),
                Cell(t("gallery.due_extension")),
                Cell(t.day(date(2026, 12, 5), short=True)),
                Cell("2 / 6", number=True),
                Cell("", tag=Tag(t("gallery.tag_warn"), "warn")),
            ],
            [
                Cell("NGUYEN Van An", "#tables", more=t("gallery.employer_name")),
                Cell(t("gallery.kind_new")),
                Cell(t.day(date(2026, 12, 18), short=True)),
                Cell("6 / 6", number=True),
                Cell("", tag=Tag(t("gallery.tag_info"), "info")),
            ],
            [
                Cell("\u202eSMITH\u202c <b>John</b>", "#tables", more=t("gallery.employer_name")),
                Cell(t("gallery.kind_new")),
                Cell(t.day(date(2027, 1, 8), short=True)),
                Cell("0 / 5", number=True),
                Cell("", tag=Tag(t("gallery.tag_neutral"))),
            ],
        ],
        "filters": [
            Choice("all", t("gallery.filter_all"), href="#tables", count=128),
            Choice("due", t("gallery.filter_due"), href="#tables", count=3),
            Choice("mine", t("gallery.filter_mine"), href="#tables", count=12),
        ],
        "choices": [Choice("a", t("gallery.choice_a"), t("gallery.choice_a_hint")), Choice("b", t("gallery.choice_b"))],
        "sample_errors": [
            FieldError("passport", t("gallery.error_passport")),
            FieldError("starts", t("gallery.error_starts")),
        ],
        "face": FaceView(
            name=_NAME,
            native=_NATIVE,
            about=f"{t('card.born', year=1988)} · DEU · B",
            state=Tag(t("card.in_force"), "ok"),
            until=t("card.until", day=t.day(date(2027, 3, 31))),
            issued_by=t("card.issued_by", authority=t("gallery.authority")),
            profile=t("card.public"),
            code=pictured(qr.draw(_CODE, module_size=1), 324),
        ),
        "profiles": [
            Choice("public", t("card.public"), t("card.public_shows"), "#card"),
            Choice("work", t("card.work"), t("card.work_shows"), "#card"),
            Choice("authority", t("card.office"), t("card.office_shows"), "#card"),
        ],
        "card_rows": [
            ("tick", t("gallery.permit_row"), t("gallery.permit_state"), t("gallery.live")),
            ("dash", t("gallery.insurance_row"), t("gallery.insurance_state"), t("gallery.not_live")),
        ],
        "decision_facts": [
            Fact(t("gallery.name"), _NAME),
            Fact(t("common.reason"), t("gallery.decision_reason")),
            Fact(t("gallery.asked_by"), t("gallery.asked_by_who")),
        ],
        "effects": [t("gallery.effect_codes"), t("gallery.effect_notice"), t("gallery.effect_redress")],
        "claims": [
            (1, t("gallery.claim_family"), "VON HOHENLOHE-WALDENBURG"),
            (2, t("gallery.claim_given"), "MAXIMILIANE"),
            (3, t("gallery.claim_degree"), "M.Sc. 2014"),
        ],
    }


def _deadline(t: Words, day: date, left: int, counted: Any, rule: Rule) -> Deadline:
    return Deadline(day, left, counted, True, t("gallery.employer"), t("gallery.otherwise"), rule)
