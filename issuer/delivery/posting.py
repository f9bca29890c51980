"""Notices by webhook, after Standard Webhooks 1.0.

Promises:

1. The payload is ``{"type", "timestamp", "data"}`` with ids alone; whoever wants more asks the API.
2. ``webhook-id`` is the notice's and stays the same when it is repeated; ``webhook-timestamp`` is now;
   ``webhook-signature`` has one ``v1`` (HMAC-SHA256 over id, timestamp and body) for each secret in force.
3. Only HTTPS to what was resolved once and is the open internet or allowed by name
   (:mod:`verifier.runtime.outbound.guarded`). No redirect is followed.
4. An answer's status is all that is read of it; everything ends at the deadline.
5. 200 to 299 is delivered; 410 switches the webhook off; anything else is tried again.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from icard_crypto.errors import IcardError, StateError
from issuer.core import Core
from verifier.runtime.outbound.addresses import networks
from verifier.runtime.outbound.fetching import Deadline, Resolve
from verifier.runtime.outbound.guarded import Guarded, resolve

from .queue import Letter, Outcome, dropped, later, refused, sent, untried
from .webhooks import Target, gone, target

__all__ = ["WebhookChannel", "payload", "signature"]

#: Seconds: for one notice, and for all that go to one webhook in a turn.
EACH: Final = 15.0
SECONDS: Final = 30.0

_GONE: Final = 410
#: What the guarded connection says, in this channel's words.
_FAULTS: Final = {
    "sync.resolve": "webhook.resolve",
    "sync.address": "webhook.address",
    "sync.deadline": "webhook.deadline",
}


class WebhookChannel:
    """Posts notices to one webhook at a time.

    Args:
        each: seconds for one notice.
        seconds: for all that are taken at once.
    """

    name: str = "webhook"
    most: int = 10

    def __init__(
        self, core: Core, *, each: float = EACH, seconds: float = SECONDS, resolver: Resolve = resolve
    ) -> None:
        self._core = core
        self._each = each
        self.seconds = seconds
        self._resolver = resolver
        self._allowed = networks(core.settings.webhook_networks)
        self._guarded().close()

    def deliver(
        self, letters: Sequence[Letter], stop: threading.Event, tell: Callable[[Letter, Outcome], None]
    ) -> None:
        """Post what can be posted, telling each letter's outcome as it is known."""
        name = letters[0].webhook or ""
        try:
            place = target(self._core, name)
        except IcardError as fault:
            # Its address cannot be opened, nor will it be at the next try.
            for letter in letters:
                tell(letter, refused(fault.code))
            return
        # Later than this, one that is slow would outlast what was promised for all.
        latest = time.monotonic() + self.seconds - self._each
        waiting = deque(letters)
        down: Outcome | None = None if place is not None else dropped("webhook.disabled")
        with contextlib.closing(self._guarded()) as guarded:
            while waiting and place is not None and not stop.is_set() and time.monotonic() <= latest:
                outcome = self._post(guarded, place, waiting[0])
                if outcome.answer == _GONE:
                    gone(self._core, name)
                    return
                if outcome.state != "sent" and outcome.answer is None:
                    # Nothing answers there: the others would only wait for the same.
                    down = outcome
                    break
                tell(waiting.popleft(), outcome)
        for letter in waiting:
            tell(letter, down or untried())

    def _post(self, guarded: Guarded, place: Target, letter: Letter) -> Outcome:
        body = payload(letter)
        moment = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "icard",
            "Connection": "close",
            "webhook-id": letter.notice,
            "webhook-timestamp": str(moment),
            "webhook-signature": " ".join(signature(key, letter.notice, moment, body) for key in place.keys),
        }
        try:
            # The status is enough: the body is not read, however long it may be.
            with (
                guarded.until(Deadline(self._each)) as client,
                client.stream("POST", place.url, content=body, headers=headers) as response,
            ):
                status = response.status_code
        except StateError as fault:
            return later(_FAULTS.get(fault.code, "webhook.connection"))
        if 200 <= status < 300:
            return sent()
        return later("webhook.redirect" if 300 <= status < 400 else "webhook.status", status)

    def _guarded(self) -> Guarded:
        try:
            return Guarded(self._allowed, self._core.settings.webhook_ca_file, resolver=self._resolver)
        except StateError as fault:
            raise StateError("settings.value", path="webhook_ca_file", expected="PEM certificates") from fault


def payload(letter: Letter) -> bytes:
    """The body of a notice: what happened, when, and ids."""
    content = {
        "type": letter.kind,
        "timestamp": datetime.fromtimestamp(letter.created_at, UTC).isoformat().replace("+00:00", "Z"),
        "data": {"notice": letter.notice, **letter.facts},
    }
    return json.dumps(content, separators=(",", ":")).encode()


def signature(key: bytes, name: str, moment: int, body: bytes) -> str:
    """The signature with one secret's bytes (Standard Webhooks 1.0, "Signature scheme")."""
    signed = b".".join((name.encode(), str(moment).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
