"""What pages say about a card's record: its state in a word, its facts, the state of permit and insurance.

Promises:

1. "In force" is said about what the record says now, by the day of Beijing; a card that is suspended, ended, expired or
   not begun never has it.
2. What the record does not know is a dash, not a cross.
"""

from __future__ import annotations

from markupsafe import Markup

from icard_crypto.card.card import Scheme
from issuer.cards.views import CardView

from .catalogue import Words, beijing_day
from .frame import Frame
from .parts import Fact, Tag
from .rule_shown import region_words
from .views import FaceView

__all__ = ["card_facts", "card_rows", "card_state", "face", "schemes"]


def card_state(view: CardView, t: Words, now: int) -> Tag:
    """The state of a card in a word."""
    permit, today = view.card.permit, beijing_day(now)
    if view.status == "revoked":
        return Tag(t("card.ended"), "bad")
    if permit is not None and permit.valid_until is not None and permit.valid_until < today:
        return Tag(t("card.expired"), "bad")
    if view.lost:
        return Tag(t("card.lost_state"), "warn")
    if view.status == "suspended":
        return Tag(t("card.suspended"), "warn")
    if view.permit != "good":
        return Tag(t("card.permit_suspended"), "warn")
    if permit is not None and permit.valid_from is not None and permit.valid_from > today:
        return Tag(t("card.begins", day=t.day(permit.valid_from)), "info")
    return Tag(t("card.in_force"), "ok")


def card_rows(view: CardView, t: Words, now: int) -> list[tuple[str, str, str, str]]:
    """The state of permit and insurance: sign, what, state, how live that is."""
    permit, insurance, live = view.card.permit, view.card.insurance, t("card.live")
    state = card_state(view, t, now)
    until = t("card.permit_until", day=t.day(permit.valid_until)) if permit and permit.valid_until else ""
    signs = {"ok": "tick", "info": "clock", "warn": "warn", "bad": "cross"}
    rows = [(signs[state.tone], t("card.permit"), until if state.tone == "ok" else state.text, live)]
    if insurance is None:
        rows.append(("dash", t("card.insurance"), t("card.insurance_none"), ""))
    elif view.insurance != "good":
        rows.append(("warn", t("card.insurance"), t("card.insurance_lapsed"), live))
    else:
        paid = insurance.paid_through
        words = t("card.paid_to", month=t.month(paid.year, paid.month)) if paid else t("card.insurance_good")
        rows.append(("tick", t("card.insurance"), words, live))
    return rows


def card_facts(view: CardView, t: Words, frame: Frame) -> list[Fact]:
    """The facts of a record, those that are known."""
    holder, permit, insurance = view.card.holder, view.card.permit, view.card.insurance
    found: list[Fact | None] = []
    if holder is not None:
        native = holder.name_native
        born = t.day(holder.date_of_birth) if holder.date_of_birth else _text(holder.year_of_birth)
        found += [
            _fact(t("card.name"), holder.name, "name"),
            Fact(t("card.native"), native, lang="zh-Hans", reports="native") if native else None,
            _fact(t("card.birth"), born, "birth"),
            _fact(t("card.nationality"), holder.nationality and t.country(holder.nationality), "nationality"),
        ]
    if permit is not None:
        found += [
            Fact(t("card.number"), permit.number, code=True, reports="number") if permit.number else None,
            _fact(t("card.category"), permit.category, "category"),
            _fact(t("card.employer"), permit.employer, "employer"),
            _fact(t("card.position"), permit.position, "position"),
            _fact(t("card.from"), t.day(permit.valid_from) if permit.valid_from else None, "from"),
            _fact(t("card.to"), t.day(permit.valid_until) if permit.valid_until else None, "to"),
            _fact(t("card.region"), permit.region and region_words(permit.region, t), "region"),
            _authority(permit.authority, t, frame),
        ]
    if insurance is not None:
        since = insurance.enrolled_from
        found.append(_fact(t("card.enrolled"), t.day(since) if since else None, "enrolled"))
    return [fact for fact in found if fact is not None]


def schemes(view: CardView, t: Words) -> list[tuple[str, str, str]]:
    """Each scheme of social insurance in one sentence: sign, scheme, state."""
    insurance = view.card.insurance
    if insurance is None:
        return []
    found = []
    for scheme in Scheme:
        name = t(f"card.scheme_{scheme.name.lower()}" if scheme.name else "card.insurance")
        exempt = next((one for one in insurance.exemptions if one.schemes & scheme), None)
        if exempt is not None:
            found.append(("dash", name, t("card.exempt", day=t.day(exempt.valid_until))))
        elif (insurance.schemes or 0) & scheme:
            good = view.insurance == "good"
            found.append(("tick" if good else "warn", name, t("card.enrolled_in" if good else "card.insurance_lapsed")))
        else:
            found.append(("dash", name, t("card.not_enrolled")))
    return found


def face(view: CardView, t: Words, now: int, authority: str, profile: str, code: Markup | None) -> FaceView:
    """The card as its holder shows it."""
    holder, permit = view.card.holder, view.card.permit
    about = []
    if holder is not None and holder.year_of_birth is not None:
        about.append(t("card.born", year=holder.year_of_birth))
    if holder is not None and holder.nationality:
        about.append(t.country_name(holder.nationality))
    if permit is not None and permit.category:
        about.append(t("card.category_of", category=permit.category))
    until = t("card.until", day=t.day(permit.valid_until)) if permit and permit.valid_until else ""
    issuer = authority or (permit.authority if permit else None)
    return FaceView(
        name=(holder.name if holder else None) or "",
        native=(holder.name_native if holder else None) or "",
        about=" · ".join(about),
        state=card_state(view, t, now),
        until=until,
        issued_by=t("card.issued_by", authority=issuer) if issuer else "",
        profile=profile,
        code=code,
    )


def _authority(recorded: str | None, t: Words, frame: Frame) -> Fact | None:
    """Who issued the permit; a name in Chinese alone is marked as such on an English page."""
    if not recorded:
        return None
    shown = frame.authority_of(recorded, t.language)
    return Fact(t("card.authority"), shown, lang=None if shown.isascii() else "zh-Hans", reports="authority")


def _fact(key: str, value: str | None, name: str) -> Fact | None:
    return Fact(key, value, reports=name) if value else None


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
