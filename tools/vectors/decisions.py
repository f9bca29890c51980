"""``decisions/``: every reason of a verdict, with trusted keys and already verified knowledge given directly."""

from __future__ import annotations

import datetime
from typing import Any, Final

from icard_crypto.card.card import Month, Profile, Scheme
from icard_crypto.card.claims import StatusRef, to_map
from tests.kit.reference import ISSUED_AT, reference_claims
from tools.vectors import decisions_knowledge, refuse
from tools.vectors.base import CARD_KEY, Json
from tools.vectors.decision import (
    DAY,
    END,
    HIDDEN,
    INSPECTION,
    NOT_LIVE,
    NOW,
    WORK,
    Case,
    changed,
    code,
    facts,
    mapped,
    policy,
    revoked,
    status_list,
    trusted,
)
from tools.vectors.kept import Kept
from tools.vectors.keyring import KEYS
from verifier.decision.policy import Policy

__all__ = ["vectors"]

_AUTHORITY: Final = code(reference_claims(Profile.AUTHORITY))
LIVE: Final = policy("gate", insurance="live")


def _valid(kept: Kept) -> dict[str, Case]:
    no_photo: Json = {"reason": "valid", "detail": "no_photo"}
    pictured = changed(holder={"photo": kept.photo, "photo_format": 4})
    begins = changed(not_before=NOW)
    exempt = changed(Profile.AUTHORITY, insurance={"schemes": 0})
    at_end = status_list(iat=END - 100, exp=END + DAY)
    return {
        "public": Case("A public code at a gate.", **no_photo),
        "photo": Case("With a photo.", "valid", shown=code(pictured), holder="photo_to_compare"),
        "work-inspection": Case(
            "A work code at an inspection.", **no_photo, shown=WORK, policy=INSPECTION, insurance=("valid", True)
        ),
        "authority-benefit": Case(
            "An authority code for a benefit.",
            **no_photo,
            shown=_AUTHORITY,
            policy=Policy.named("benefit"),
            insurance=("valid", True),
        ),
        "offline": Case(
            "A list three days old, for the policy offline.",
            **no_photo,
            policy=Policy.named("offline"),
            lists=(status_list(iat=NOW - 3 * DAY),),
        ),
        "no-status": Case(
            "No list, for the policy that asks for none.",
            **no_photo,
            **NOT_LIVE,
            policy=Policy.named("unsafe_no_status"),
            lists=(),
        ),
        "lapsed-not-needed": Case(
            "Insurance lapsed, which a gate does not ask for.",
            **no_photo,
            shown=WORK,
            entry=13,
            insurance=("lapsed", True),
        ),
        "exempt": Case(
            "Enrolled in nothing, exempt by a treaty.",
            **no_photo,
            shown=code(exempt),
            policy=LIVE,
            insurance=("exempt", True),
        ),
        "list-24-hours": Case(
            "A list exactly as old as the policy takes.", **no_photo, lists=(status_list(iat=NOW - DAY),)
        ),
        "first-second": Case("The first second of the code.", **no_photo, shown=code(begins)),
        "last-second": Case("The last second of the code.", **no_photo, now=END - 1, lists=(at_end,)),
        "key-first-second": Case(
            "The key's window begins with the code's iat.",
            **no_photo,
            trusted=trusted({"from": "2026-10-08T02:00:00Z"}),
        ),
        "key-last-second": Case(
            "The key's window ends a second after the code's iat.",
            **no_photo,
            trusted=trusted({"until": "2026-10-08T02:00:01Z"}),
        ),
        "region-of-prefecture": Case(
            "An issuer for 310100 covers 310115.", **no_photo, trusted=trusted(regions=["310100"])
        ),
        "region-exact": Case("An issuer for 310115 alone.", **no_photo, trusted=trusted(regions=["310115"])),
        "clock-300-behind": Case(
            "The code's iat is 300 seconds ahead of the clock.",
            **no_photo,
            now=ISSUED_AT - 300,
            lists=(status_list(iat=ISSUED_AT - 400),),
        ),
        "retired-later": Case(
            "The key was retired at the code's iat.",
            **no_photo,
            knowledge=revoked(CARD_KEY, ISSUED_AT, "retired"),
        ),
        "trust-list": Case("Keys of a fresh trust list with a fresh timestamp.", **no_photo, knowledge=facts()),
        "leeway": Case(
            "Over for a minute, within the policy's leeway.",
            **no_photo,
            policy=policy("gate", leeway=120),
            now=END + 60,
            lists=(status_list(iat=END, exp=END + DAY),),
        ),
    }


def _unreadable() -> dict[str, Case]:
    """Faults that the vectors of refuse/ have, as decisions."""
    faults = refuse.vectors()
    return {
        name.replace("_", "-"): Case(
            faults[f"refuse/{fault}.json"]["about"], name, **HIDDEN, shown=faults[f"refuse/{fault}.json"]["text"]
        )
        for name, fault in (
            ("malformed", "payload-duplicate-integer"),
            ("too_large", "text-8193-characters"),
            ("not_a_card", "other-web-address"),
            ("misread", "scanner-keyboard"),
            ("wrong_type", "header-typ-status-list"),
            ("unsupported_algorithm", "header-alg-rs256"),
            ("bad_signature", "signature-payload-flipped"),
            ("key_algorithm_mismatch", "signature-other-algorithm"),
        )
    }


def _no_kid() -> Case:
    shown = refuse.vectors()["refuse/header-kid-missing.json"]["text"]
    return Case(
        "A signed code without a kid, as other systems make them.", "malformed", "no_kid", **HIDDEN, shown=shown
    )


def _keys() -> dict[str, Case]:
    claims = reference_claims()
    card = KEYS[CARD_KEY].verifying_key.thumbprint.hex()
    other_issuer = code(changed(issuer="cn.320000"))
    compromised = revoked(CARD_KEY, NOW, "compromised")
    not_then: Json = {"reason": "key_not_valid_then", **HIDDEN}
    return {
        "untrusted-key": Case(
            "Signed by a key that nobody trusts.", "untrusted_key", **HIDDEN, shown=code(claims, "stranger-ed25519")
        ),
        "wrong-key-usage": Case(
            "Signed by the issuer's status key.", "wrong_key_usage", **HIDDEN, shown=code(claims, "status-ed25519")
        ),
        "key-compromised": Case(
            "The key is compromised: its signatures fall, whatever iat they claim.",
            "key_revoked",
            **HIDDEN,
            knowledge=compromised,
        ),
        "key-denied": Case(
            "The timestamp denies the key.", "key_revoked", **HIDDEN, knowledge=facts(timestamp={"denied": [card]})
        ),
        "key-before-window": Case(
            "Signed an hour before the key's window.", **not_then, trusted=trusted({"from": "2026-10-08T03:00:00Z"})
        ),
        "key-after-window": Case(
            "Signed in the second in which the key's window ended.",
            **not_then,
            trusted=trusted({"until": "2026-10-08T02:00:00Z"}),
        ),
        "key-retired": Case(
            "Signed a second after the key was retired.",
            **not_then,
            knowledge=revoked(CARD_KEY, ISSUED_AT - 1, "retired"),
        ),
        "issuer-mismatch": Case(
            "Names one issuer, signed by another's key.", "issuer_mismatch", **HIDDEN, shown=other_issuer
        ),
    }


def _scope() -> dict[str, Case]:
    region, uri = "region_not_allowed", "status_uri_not_allowed"
    elsewhere = changed(Profile.AUTHORITY, insurance={"region": "110101"})
    uris = {
        "neighbour": ("The status uri is a neighbour's.", "https://neighbour.example/s/k7Qd"),
        "deeper": ("The status uri goes one folder deeper.", "https://icard.example/s/k7Qd/x"),
        "query": ("The status uri has a query.", "https://icard.example/s/k7Qd?x"),
        "no-name": ("The status uri is the bare prefix.", "https://icard.example/s/"),
        "long-name": ("The list's name has 33 characters.", "https://icard.example/s/" + "a" * 33),
        "port": ("The status uri names a port.", "https://icard.example:8443/s/k7Qd"),
    }
    made = {
        "region-other": Case("The issuer may not issue for this region.", region, trusted=trusted(regions=["110000"])),
        "region-sibling": Case(
            "An issuer for 310101 does not cover 310115.", region, trusted=trusted(regions=["310101"])
        ),
        "region-none": Case("An issuer for no region.", region, trusted=trusted(regions=[]), given_only=True),
        "region-of-insurance": Case(
            "The insurance is of a region that is not the issuer's.",
            region,
            shown=code(elsewhere),
            insurance=("valid", True),
        ),
    }
    for name, (about, text) in uris.items():
        shown = code(changed(status=StatusRef(text, 48231)))
        made[f"status-uri-{name}"] = Case(about, uri, **NOT_LIVE, shown=shown)
    return made


def _times() -> dict[str, Case]:
    begins = code(changed(not_before=NOW + 1))
    permit_begins = code(changed(Profile.WORK, permit={"valid_from": datetime.date(2026, 10, 11)}))
    permit_ended = code(changed(permit={"valid_until": datetime.date(2026, 10, 9)}))
    late = (status_list(iat=END - 100, exp=END + DAY),)
    not_begun, ended = ("not_yet_valid", True), ("expired", True)
    return {
        "not-yet-valid": Case("A second before nbf.", "not_yet_valid", "dated", permit=not_begun, shown=begins),
        "permit-not-begun": Case(
            "The permit begins tomorrow, and the code has no nbf.",
            "not_yet_valid",
            "dated",
            permit=not_begun,
            insurance=("valid", True),
            shown=permit_begins,
        ),
        "expired": Case("In the second of exp.", "expired", "dated", permit=ended, now=END, lists=late),
        "permit-ended": Case(
            "The permit ended yesterday, exp is later.", "expired", "dated", permit=ended, shown=permit_ended
        ),
        "leeway-over": Case(
            "Over for the policy's leeway.",
            "expired",
            "dated",
            permit=ended,
            policy=policy("gate", leeway=120),
            now=END + 120,
            lists=late,
        ),
    }


def _policies() -> dict[str, Case]:
    unmet = "policy_not_met"
    as_of_issue = {"insurance": "as_of_issue"}
    base: Json = {"lists": (), "permit": ("valid", False)}
    silent = to_map(reference_claims())
    del silent[-65537][1][8]
    nothing = to_map(reference_claims())
    nothing[169], nothing[-65537] = {}, {5: 1}
    other = to_map(reference_claims())
    other[-65537][5] = 9
    unknown_scheme, none = changed(insurance={"schemes": 2 | 32}), changed(insurance={"schemes": 0})
    return {
        "category": Case(
            "A category that nobody has defined.",
            unmet,
            "category",
            lists=(),
            permit=("unknown", False),
            policy=policy(),
            shown=code(changed(permit={"category": "D"})),
        ),
        "profile": Case(
            "A profile that nobody has defined.",
            unmet,
            "profile",
            lists=(),
            permit=("valid", False),
            policy=policy(),
            shown=mapped(other),
        ),
        "permit-not-disclosed": Case(
            "No permit and no name: nothing is in force that the code does not state.",
            "not_disclosed",
            "permit",
            lists=(),
            permit=("not_disclosed", False),
            insurance=("not_disclosed", False),
            policy=policy(),
            shown=mapped(nothing),
        ),
        "not-enrolled": Case(
            "Enrolled in nothing.",
            unmet,
            "insurance",
            **base,
            insurance=("not_enrolled", False),
            policy=policy(**as_of_issue),
            shown=code(none),
        ),
        "unknown-scheme": Case(
            "A scheme that nobody has defined.",
            unmet,
            "insurance_unknown",
            **base,
            insurance=("unknown", False),
            policy=policy(**as_of_issue),
            shown=code(unknown_scheme),
        ),
        "scheme-missing": Case(
            "Pension is asked for.", unmet, "schemes", **base, policy=policy(**as_of_issue, schemes=int(Scheme.PENSION))
        ),
        "paid-through": Case(
            "Paid through September, October is asked for.",
            unmet,
            "paid_through",
            **base,
            policy=policy(**as_of_issue, paid_through=Month(2026, 10)),
        ),
        "test-card": Case(
            "A test card, and real cards are asked for.",
            unmet,
            "test_card",
            **base,
            policy=policy(environment="production"),
        ),
        "real-card": Case(
            "A real card, and test cards are asked for.",
            unmet,
            "real_card",
            **base,
            policy=policy(environment="test"),
            trusted=trusted() | {"environment": "production"},
        ),
        "service": Case("Service 3 is asked for.", unmet, "service", **base, policy=policy(service=3)),
        "region": Case(
            "Cards of Beijing are asked for.", unmet, "region", **base, policy=policy(regions=frozenset({"110000"}))
        ),
        "issuer": Case(
            "Cards of another issuer are asked for.",
            unmet,
            "issuer",
            **base,
            policy=policy(issuers=frozenset({"cn.110000"})),
        ),
        "employer-not-disclosed": Case(
            "A public code does not name the employer.",
            "not_disclosed",
            "employer",
            **base,
            policy=policy(employer_disclosed=True),
        ),
        "insurance-not-disclosed": Case(
            "A public code never shows live insurance.", "not_disclosed", "insurance", policy=LIVE
        ),
        "no-insurance": Case(
            "The code says nothing about insurance.",
            "not_disclosed",
            "insurance",
            **base,
            insurance=("not_disclosed", False),
            policy=policy(**as_of_issue),
            shown=code(changed(insurance=None)),
        ),
        "region-not-disclosed": Case(
            "The code names no region.",
            "not_disclosed",
            "region",
            **base,
            policy=policy(regions=frozenset({"310000"})),
            shown=mapped(silent),
        ),
    }


def vectors(kept: Kept) -> dict[str, Any]:
    """``decisions/*.json``."""
    made = {f"valid-{name}": case for name, case in _valid(kept).items()}
    made["malformed-no-kid"] = _no_kid()
    made |= {f"policy-{name}": case for name, case in _policies().items()}
    made |= _unreadable() | _keys() | _scope() | _times() | decisions_knowledge.cases()
    return {f"decisions/{name}.json": case.vector(kept) for name, case in made.items()}
