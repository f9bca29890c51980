"""Every state that the scan page can show of a card, made from the world in memory of :mod:`tests.kit.trust_domain`.

A scene is a world, a policy and what is shown in it. All times are those of that world.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from PIL import Image

from icard_crypto import qr
from icard_crypto.card.card import Profile
from icard_crypto.encoding import envelope
from icard_crypto.pictures import photo
from tests.kit.pictures import encoded, on_canvas, portrait
from tests.kit.trust_domain import DAY, HOUR, NOW, OTHER_KEY, TIMESTAMP, TRUST_LIST, World, claims, code, signed
from verifier import Policy, TrustDomain
from verifier.knowledge.trust import Revocation

__all__ = ["LONG", "PHOTO", "SCENES", "Scene", "codes_in", "policies", "reference_name"]


@functools.cache
def drawn_photo() -> dict[str, Any]:
    """A drawn portrait as a card's photo."""
    file = BytesIO()
    portrait().save(file, "PNG")
    made = photo.fit(file.getvalue(), 1500)
    return {"photo": made.data, "photo_format": int(made.format)}


PHOTO = drawn_photo()
#: Names of the longest sizes that the page must show whole.
LONG = {"name": "MAXIMILIANE-ALEXANDRA VON HOHENLOHE-BART", "name_native": "欧阳霍恩洛厄巴特"}


def shown(profile: Profile = Profile.PUBLIC, *, holder: dict[str, Any] | None = None, **changes: Any) -> str:
    """The code of a card with a photo."""
    return code(profile, holder=PHOTO if holder is None else holder, **changes)


@dataclass(frozen=True)
class Scene:
    """What is shown, in which world, under which policy; ``outcome`` and ``reason`` that must come of it.

    Without a world nothing is known yet: a state folder before its first trust list.
    """

    outcome: str
    reason: str
    shown: Callable[[], str]
    world: World | None = field(default_factory=lambda: World(environment="production"))
    policy: str = "gate"

    @property
    def domains(self) -> tuple[TrustDomain, ...]:
        """What is known in its world."""
        return () if self.world is None else (self.world.domain(),)

    @property
    def test(self) -> bool:
        """Whether its card is of a test environment."""
        return self.world is not None and self.world.environment == "test"


def _cut() -> str:
    return envelope.to_ic1(envelope.read(shown()).cose[:-1])


_REAL = World(environment="production")
_TEST = World(environment="test")

SCENES: dict[str, Scene] = {
    "valid": Scene("VALID", "valid", shown),
    "valid-work": Scene("VALID", "valid", lambda: shown(Profile.WORK), policy="inspection"),
    "valid-test-no-photo": Scene("VALID", "valid", code, replace(_TEST, status_iat=NOW - 19 * HOUR)),
    "valid-lapsed": Scene("VALID", "valid", lambda: shown(Profile.WORK), replace(_REAL, entry=13)),
    "valid-long-names": Scene("VALID", "valid", lambda: shown(holder=PHOTO | LONG)),
    "revoked": Scene("INVALID", "revoked", shown, replace(_REAL, entry=1)),
    "revoked-inspection": Scene(
        "INVALID", "revoked", lambda: shown(Profile.WORK), replace(_REAL, entry=1), "inspection"
    ),
    "suspended": Scene("INVALID", "suspended", shown, replace(_REAL, entry=2)),
    "replaced": Scene("INVALID", "replaced", shown, replace(_REAL, entry=3)),
    "expired": Scene("INVALID", "expired", lambda: shown(expires=NOW - DAY)),
    "not_yet_valid": Scene("INVALID", "not_yet_valid", lambda: shown(not_before=NOW + 3 * DAY)),
    "untrusted_key": Scene("INVALID", "untrusted_key", lambda: shown(key=OTHER_KEY)),
    "malformed": Scene("INVALID", "malformed", _cut),
    "not_a_card": Scene("INVALID", "not_a_card", lambda: "https://example.com/?token=123"),
    "wrong_type": Scene("INVALID", "wrong_type", lambda: envelope.to_ic1(signed(b"\xa0", typ="application/x"))),
    "key_revoked": Scene("INVALID", "key_revoked", shown, replace(_REAL, revoked=Revocation(NOW - DAY, "compromised"))),
    "insurance_lapsed": Scene(
        "INVALID", "insurance_lapsed", lambda: shown(Profile.WORK), replace(_REAL, entry=13), "benefit"
    ),
    "revoked-test": Scene("INVALID", "revoked", shown, replace(_TEST, entry=1)),
    "status_stale": Scene("INDETERMINATE", "status_stale", shown, replace(_REAL, status_iat=NOW - 26 * HOUR)),
    "status_stale-suspended": Scene(
        "INDETERMINATE", "status_stale", shown, replace(_REAL, status_iat=NOW - 26 * HOUR, entry=2)
    ),
    "status_missing": Scene("INDETERMINATE", "status_missing", shown, replace(_REAL, status_list=False)),
    "trust_list_missing": Scene("INDETERMINATE", "trust_list_missing", shown, None),
    "trust_list_stale": Scene(
        "INDETERMINATE", "trust_list_stale", shown, replace(_REAL, trust_list=replace(TRUST_LIST, exp=NOW - 3 * DAY))
    ),
    "timestamp_stale": Scene(
        "INDETERMINATE", "timestamp_stale", shown, replace(_REAL, timestamp=replace(TIMESTAMP, iat=NOW - 4 * DAY))
    ),
    "clock_unreliable": Scene("INDETERMINATE", "clock_unreliable", shown, replace(_REAL, floor=NOW + HOUR)),
    "not_disclosed": Scene("INDETERMINATE", "not_disclosed", shown, policy="benefit"),
    "not_disclosed-test": Scene("INDETERMINATE", "not_disclosed", shown, _TEST, "inspection"),
}


def codes_in(*texts: str) -> bytes:
    """A PNG with these codes beside each other; without any, a white one."""
    drawn = [Image.open(BytesIO(qr.draw_png(text))).convert("L") for text in texts]
    width = max((each.width for each in drawn), default=0)
    placed = [(each, (40 + index * (width + 80), 40)) for index, each in enumerate(drawn)]
    size = (40 + max(len(drawn), 1) * (width + 80), max((each.height for each in drawn), default=0) + 80)
    return encoded(on_canvas(size, *placed))


def policies() -> Sequence[Policy]:
    """Those that the page offers, and the one that it does not."""
    return [Policy.named(name) for name in Policy.names()]


def reference_name() -> str:
    """The name in the scenes' card."""
    return str(claims().card.holder.name)
