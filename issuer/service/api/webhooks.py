"""One's own webhooks: where notices are posted, and the secrets that sign them.

Promises:

1. A secret is shown once, by the request that made it; to a repetition of that request it is null.
2. Only a person in a session changes webhooks: no stolen token leads notices elsewhere.
3. An address is not changed: another address is another webhook, with a secret of its own.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from issuer.db.idempotency import Request
from issuer.delivery import webhooks
from issuer.delivery.webhooks import NewSecret, WebhookView
from issuer.service.access import Access
from issuer.service.context import Call, CallOf, etag
from issuer.service.endpoints import Body, Endpoints, Id
from issuer.service.idempotent import once
from issuer.service.objects import WEBHOOK

__all__ = ["endpoints"]

endpoints = Endpoints("Webhooks")

_OWNED: Final = Access("person", ("notice.own",), owned="webhook")


class NewWebhookBody(Body):
    """Where to post: an https address without user name and fragment."""

    url: Annotated[str, Field(min_length=1, max_length=500, examples=["https://hr.example.cn/icard"])]


class StateBody(Body):
    """Whether notices are posted there. What waits for one that is switched off is dropped."""

    state: Literal["active", "disabled"]


class SecretBody(BaseModel):
    """The secret that signs what is posted (Standard Webhooks); shown this once."""

    webhook_id: str
    secret: str | None


@endpoints.at("POST", "/v1/webhooks", Access("person", ("notice.own",)), status=201, creates=True)
def add_webhook(call: CallOf, body: NewWebhookBody, response: Response) -> SecretBody:
    """A new webhook; an account has five at most."""
    who = call.who

    def make(request: Request) -> SecretBody:
        return _shown(webhooks.add(call.core, who.account_id, body.url, who.actor, request))

    made = once(call, make, lambda name: SecretBody(webhook_id=name, secret=None))
    response.headers["Location"] = f"/v1/webhooks/{made.webhook_id}"
    return made


@endpoints.at("GET", "/v1/webhooks", Access("account", ("notice.own",)))
def list_webhooks(call: CallOf) -> list[WebhookView]:
    """One's own webhooks, oldest first."""
    return webhooks.listed(call.core, call.who.account_id)


@endpoints.at("GET", "/v1/webhooks/{webhook_id}", Access("account", ("notice.own",), owned="webhook"))
def show_webhook(call: CallOf, webhook_id: Id, response: Response) -> WebhookView:
    """One of one's own webhooks."""
    found = call.loaded(WEBHOOK)
    response.headers["ETag"] = etag(found.version)
    return found


@endpoints.at("PUT", "/v1/webhooks/{webhook_id}/state", _OWNED, status=204, changes=True)
def set_webhook_state(call: CallOf, webhook_id: Id, body: StateBody, response: Response) -> None:
    """Switch a webhook on or off."""
    change = webhooks.enable if body.state == "active" else webhooks.switch_off
    change(call.core, *_mine(call, webhook_id))
    _tag(call, webhook_id, response)


@endpoints.at("POST", "/v1/webhooks/{webhook_id}/secret", _OWNED, changes=True)
def rotate_secret(call: CallOf, webhook_id: Id, response: Response) -> SecretBody:
    """A new secret; for a day the one before signs beside it."""
    made = webhooks.rotate(call.core, *_mine(call, webhook_id))
    _tag(call, webhook_id, response)
    return _shown(made)


@endpoints.at("DELETE", "/v1/webhooks/{webhook_id}", _OWNED, status=204, changes=True)
def remove_webhook(call: CallOf, webhook_id: Id) -> None:
    """Remove a webhook with all that was to be sent there; the inbox keeps the notices."""
    webhooks.remove(call.core, *_mine(call, webhook_id))


def _tag(call: Call, webhook_id: str, response: Response) -> WebhookView:
    view = webhooks.show(call.core, call.who.account_id, webhook_id)
    response.headers["ETag"] = etag(view.version)
    return view


def _mine(call: Call, webhook_id: str) -> tuple[str, str, str, int]:
    return call.who.account_id, webhook_id, call.who.actor, call.version


def _shown(made: NewSecret) -> SecretBody:
    return SecretBody(webhook_id=made.webhook, secret=made.secret)
