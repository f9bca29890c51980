"""One's own webhooks: where notices are posted, whether they get through, and the secrets that sign them.

A secret is shown once, by the request that made it.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from icard_crypto.errors import IcardError
from issuer.delivery import webhooks
from issuer.delivery.webhooks import WebhookView
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_OWN: Final = with_right("notice.own")
_ONE: Final = Access("person", ("notice.own",), owned="webhook")


@pages.get("account/webhooks", _OWN)
def list_webhooks(visit: Visit) -> Response:
    """One's own webhooks, and the form for another."""
    found = webhooks.listed(visit.core, visit.call.who.account_id)
    t = visit.words
    rows = [
        [
            Cell(one.url, f"{BASE}account/webhooks/{one.id}", code=True),
            Cell("", tag=_state(visit, one)),
            Cell(t.number(one.waiting), number=True),
        ]
        for one in found
    ]
    return visit.page("account/webhooks.html", rows=rows, most=webhooks.MOST, full=len(found) >= webhooks.MOST)


def _state(visit: Visit, one: WebhookView) -> Tag:
    if one.state == "disabled":
        return Tag(visit.words("webhooks.off"), "bad" if one.fault else "neutral")
    return Tag(visit.words("webhooks.failing"), "warn") if one.fault else Tag(visit.words("webhooks.on"), "ok")


@pages.post("account/webhooks", _OWN, form=list_webhooks, fields={"webhook": "url"})
def add_webhook(visit: Visit) -> Response:
    """A new webhook; its secret is shown this once."""
    visit.require("url")
    call, who = visit.call, visit.call.who
    made = once(
        call,
        lambda request: webhooks.add(call.core, who.account_id, visit.text("url"), who.actor, request),
        lambda name: webhooks.NewSecret(name, ""),
    )
    return visit.page(
        "account/webhook_secret.html", secret=made.secret, address=f"{BASE}account/webhooks/{made.webhook}"
    )


@pages.get("account/webhooks/{webhook_id}", _ONE)
def show_webhook(visit: Visit, webhook_id: str) -> Response:
    """A webhook: whether notices get through, and what can be done."""
    one, t = webhooks.show(visit.core, visit.call.who.account_id, webhook_id), visit.words
    facts = [
        Fact(t("webhooks.url"), one.url, code=True),
        Fact(t("card.state"), "", tag=_state(visit, one)),
        Fact(t("webhooks.waiting"), t.number(one.waiting)),
        Fact(t("webhooks.since"), t.moment(one.created_at)),
    ]
    if one.fault is not None:
        facts.append(Fact(t("webhooks.fault"), IcardError(one.fault).message(t.language)))
    if one.answer is not None:
        facts.append(Fact(t("webhooks.answer"), str(one.answer), code=True))
    if one.rotating_until is not None:
        facts.append(Fact(t("webhooks.rotating"), t.moment(one.rotating_until)))
    address = f"{BASE}account/webhooks/{webhook_id}"
    return visit.page("account/webhook.html", webhook=one, facts=facts, address=address)


@pages.post("account/webhooks/{webhook_id}/state", _ONE, form=show_webhook)
def set_state(visit: Visit, webhook_id: str) -> Response:
    """Switch a webhook on or off; what waits for one that is switched off is dropped."""
    call = visit.call
    change = webhooks.enable if visit.text("state") == "active" else webhooks.switch_off
    change(call.core, call.who.account_id, webhook_id, call.who.actor, call.version)
    return visit.go(f"account/webhooks/{webhook_id}", done="webhook_state")


@pages.post("account/webhooks/{webhook_id}/secret", _ONE, form=show_webhook)
def rotate_secret(visit: Visit, webhook_id: str) -> Response:
    """A new secret; for a day the one before signs beside it."""
    call = visit.call
    made = webhooks.rotate(call.core, call.who.account_id, webhook_id, call.who.actor, call.version)
    return visit.page("account/webhook_secret.html", secret=made.secret, address=f"{BASE}account/webhooks/{webhook_id}")


@pages.post("account/webhooks/{webhook_id}/remove", _ONE, form=show_webhook)
def remove_webhook(visit: Visit, webhook_id: str) -> Response:
    """Remove a webhook; the inbox keeps the notices."""
    call = visit.call
    webhooks.remove(call.core, call.who.account_id, webhook_id, call.who.actor, call.version)
    return visit.go("account/webhooks", done="webhook_removed")
