"""From an accepted trust list to a domain: everything it says is in force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, Revocation, TrustList
from tests.kit.reference import ISSUED_AT, ISSUER, STATUS
from tests.kit.trust_domain import CARD_KEY, DAY, NOW, OTHER_KEY, PREFIX, STATUS_KEY, TIMESTAMP, Entries, code
from verifier import Policy, TrustDomain, Verdict, Verifier

CARD = KeyEntry(CARD_KEY.verifying_key, "card", ISSUED_AT - DAY, ISSUED_AT + DAY)
STATUS_ENTRY = KeyEntry(STATUS_KEY.verifying_key, "status", ISSUED_AT - DAY, NOW + DAY)


def trust_list(*, card: KeyEntry = CARD, **changes: Any) -> TrustList:
    """A trust list of one issuer with a card key, a status key and one of an unknown algorithm."""
    unknown = KeyEntry(None, "card", 0, NOW)
    issuer = IssuerEntry(
        ISSUER, "Shanghai", "上海", frozenset({"310000"}), (PREFIX,), 100_000, (card, STATUS_ENTRY, unknown)
    )
    made = TrustList(
        environment="production",
        version=7,
        iat=NOW - DAY,
        exp=NOW + DAY,
        roots=(),
        threshold=2,
        timestamp_keys=(OTHER_KEY.verifying_key,),
        issuers=(issuer,),
        payload_hash=b"seven",
    )
    return replace(made, **changes)


def verify(listed: TrustList, shown: str | None = None) -> Verdict:
    """The verdict under this trust list, with a fresh timestamp and status list."""
    entries = Entries(NOW - 60, NOW + DAY, STATUS_KEY.verifying_key.thumbprint)
    domain = TrustDomain.from_trust_list(
        listed, name="cn", timestamp=TIMESTAMP, status_lists={STATUS.uri: entries}, clock_floor=5
    )
    return Verifier(domain, Policy.named("gate")).verify(code() if shown is None else shown, now=NOW)


def test_a_good_list_verifies() -> None:
    """Issuer, names, key, environment and the list's own facts reach the evidence."""
    verdict = verify(trust_list())
    assert (verdict.outcome, verdict.environment) == ("VALID", "production")
    evidence = verdict.evidence
    assert (evidence.domain, evidence.issuer_names) == ("cn", {"en": "Shanghai", "zh": "上海"})
    assert (evidence.trust_list_version, evidence.trust_list_threshold, evidence.trust_list_age) == (7, 2, DAY)


def test_windows_and_revocations_are_in_force() -> None:
    """A key's window, its compromise and its retirement are those of the list."""
    assert verify(trust_list(card=replace(CARD, valid_until=ISSUED_AT))).reason == "key_not_valid_then"
    compromised = replace(CARD, revoked=Revocation(NOW, "compromised"))
    assert verify(trust_list(card=compromised)).reason == "key_revoked"
    retired = replace(CARD, revoked=Revocation(ISSUED_AT - 1, "retired"))
    assert verify(trust_list(card=retired)).reason == "key_not_valid_then"


def test_timestamp_keys_sign_no_cards() -> None:
    """A card under a timestamp key has the wrong usage, not an unknown key."""
    verdict = verify(trust_list(), code(key=OTHER_KEY))
    assert (verdict.outcome, verdict.reason) == ("INVALID", "wrong_key_usage")
    assert verdict.card is None


def test_the_lists_end_is_in_force() -> None:
    """A list that is over, or older than the timestamp names, is stale."""
    assert verify(trust_list(exp=NOW)).reason == "trust_list_stale"
    assert verify(trust_list(version=6)).reason.variant == "superseded"
