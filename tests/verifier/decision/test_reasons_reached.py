"""Every reason of the catalogue is reached by one edit of a good world or a good code; each test is named after it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import jsonschema
import pytest

from icard_crypto.card.card import Month, Profile, Scheme
from icard_crypto.card.claims import StatusRef, encode_claims, to_map
from icard_crypto.encoding import cbor, envelope
from icard_crypto.errors import Language
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ES256
from tests.kit.reference import ISSUED_AT, STATUS
from tests.kit.trust_domain import (
    CARD_KEY,
    DAY,
    ELSEWHERE,
    HOUR,
    NOW,
    OTHER_KEY,
    PREFIX,
    TIMESTAMP,
    TRUST_LIST,
    World,
    claims,
    code,
    key_of,
    signed,
)
from verifier import Policy, Revocation, TrustedKey, Verdict, Verifier, verdict_schema
from verifier.decision.reasons import catalogue

LAST = 253_402_300_799
"""The last second of the year 9999, UTC."""


def expect(verdict: Verdict, outcome: str, reason: str, detail: str | None = None) -> None:
    """The verdict has this outcome and reason, alone."""
    found = (verdict.outcome, str(verdict.reason), verdict.reason.variant, [str(other) for other in verdict.also])
    assert found == (outcome, reason, detail, [])


def test_valid() -> None:
    """A good public code in a good world is VALID; without a photo in it, its words send the reader to the passport."""
    verdict = World().verify()
    expect(verdict, "VALID", "valid", "no_photo")
    assert verdict.message() == "Genuine card. The work permit is in force."
    assert verdict.action() == "No photo in this code. Ask for the passport and compare it."
    assert verdict.card is not None
    assert verdict.card.holder.name == "HANNELORE BRIGITTA VOGEL"


def test_valid_with_photo() -> None:
    """With a photo in the code the order is to compare the face with it."""
    verdict = World().verify(code(holder={"photo": b"RIFF0000WEBP" + bytes(200), "photo_format": 4}))
    expect(verdict, "VALID", "valid")
    assert (verdict.holder, verdict.action("zh")) == ("photo_to_compare", "请核对本人与照片是否一致。")


def test_malformed_frame() -> None:
    """A cut code is malformed, and the error names the layer and the place."""
    verdict = World().verify(envelope.to_ic1(signed(encode_claims(claims()))[:-1]))
    expect(verdict, "INVALID", "malformed")
    assert verdict.error is not None
    assert verdict.error.code == "cose.truncated"
    assert verdict.error.found == "63 bytes"
    assert verdict.card is None


def test_malformed_payload() -> None:
    """A signed payload that is not strict CBOR is malformed: a trusted key does not excuse it."""
    verdict = World().verify(envelope.to_ic1(signed(b"\xa1\x01\x18\x01")))
    expect(verdict, "INVALID", "malformed")
    assert verdict.error is not None
    assert verdict.error.code == "cbor.not_shortest"


def test_malformed_claims() -> None:
    """A signed payload without the claims of a card is malformed, with the path."""
    verdict = World().verify(envelope.to_ic1(signed(cbor.encode({1: "cn.310000"}))))
    expect(verdict, "INVALID", "malformed")
    assert verdict.error is not None
    assert (verdict.error.code, verdict.error.path) == ("claims.missing", "claims.exp")


def test_too_large() -> None:
    """Text above 8,192 characters is refused by its size, not read."""
    verdict = World().verify("IC1:" + "A" * 8189)
    expect(verdict, "INVALID", "too_large")
    assert verdict.error is not None
    assert (verdict.error.expected, verdict.error.found) == ("at most 8192 characters", "8193")


def test_too_large_buffer() -> None:
    """A large buffer is too_large and is not copied first."""
    expect(World().verify(memoryview(bytearray(1 << 26)), now=NOW), "INVALID", "too_large")  # type: ignore[arg-type]


def test_misread() -> None:
    """A code that a scanner typed for another keyboard says nothing of the card, and the scanner's operator can mend
    it."""
    expect(World().verify(code().replace(":", "Ö")), "INDETERMINATE", "misread")


def test_not_a_card() -> None:
    """A web address is told as one, in both languages, and is not repeated."""
    verdict = World().verify("https://example.com/?token=123")
    expect(verdict, "INVALID", "not_a_card")
    assert verdict.message() == "This is a web address, not a card."
    assert verdict.message("zh") == "这是网址，不是集成卡。"
    assert "token" not in verdict.to_json()


def test_wrong_type() -> None:
    """A token with a typ is not a card, even under a card key."""
    token = signed(encode_claims(claims()), typ="application/statuslist+cwt")
    expect(World().verify(token), "INVALID", "wrong_type")


def test_unsupported_algorithm() -> None:
    """An algorithm outside the closed table (here ES512, -36) is refused before any key is looked for."""
    token = cose.sign1({1: -36, 4: bytes(CARD_KEY.verifying_key.kid)}, encode_claims(claims()), CARD_KEY)
    expect(World().verify(token), "INVALID", "unsupported_algorithm")


def test_untrusted_key() -> None:
    """A key that is on no trust list is untrusted, and nothing of the content is shown."""
    verdict = World().verify(code(key=OTHER_KEY))
    expect(verdict, "INVALID", "untrusted_key")
    assert verdict.card is None
    assert verdict.evidence.kid == OTHER_KEY.verifying_key.kid.hex()
    assert verdict.environment == "test"


def test_wrong_key_usage() -> None:
    """A status key signs no cards, however good the signature."""
    verdict = World(usage="status").verify()
    expect(verdict, "INVALID", "wrong_key_usage")
    assert verdict.card is None


def test_key_algorithm_mismatch() -> None:
    """A header that names another algorithm than the key's is refused without trying the signature."""
    token = cose.sign1({1: -7, 4: bytes(CARD_KEY.verifying_key.kid)}, encode_claims(claims()), CARD_KEY)
    expect(World().verify(token), "INVALID", "key_algorithm_mismatch")


def test_bad_signature() -> None:
    """A payload under another payload's signature is refused, and nothing of it is shown."""
    good, other = (cose.parse_sign1(signed(encode_claims(claims(cti=bytes([n]) * 8)))) for n in (1, 2))
    token = signed(encode_claims(claims(cti=b"\x01" * 8))).replace(good.signature, other.signature)
    verdict = World().verify(token)
    expect(verdict, "INVALID", "bad_signature")
    assert verdict.card is None
    assert verdict.permit.state == "unknown"


def test_key_revoked_compromised() -> None:
    """Whatever a compromised key signed falls, also with an iat before it was stolen: the thief writes iat."""
    verdict = World(revoked=Revocation(NOW - DAY, "compromised")).verify()
    expect(verdict, "INVALID", "key_revoked")
    assert verdict.card is None


def test_key_revoked_denied() -> None:
    """A thumbprint that the timestamp denies needs no new trust list."""
    denied = replace(TIMESTAMP, denied=frozenset({CARD_KEY.verifying_key.thumbprint}))
    verdict = World(timestamp=denied).verify()
    expect(verdict, "INVALID", "key_revoked")
    assert verdict.card is None


def test_key_not_valid_then_before() -> None:
    """A card dated before its key's window is refused; the first second of the window is inside."""
    expect(World(valid_from=ISSUED_AT + 1).verify(), "INVALID", "key_not_valid_then")
    expect(World(valid_from=ISSUED_AT).verify(), "VALID", "valid", "no_photo")


def test_key_not_valid_then_after() -> None:
    """A card dated at or after the window's end is refused."""
    expect(World(valid_until=ISSUED_AT).verify(), "INVALID", "key_not_valid_then")
    expect(World(valid_until=ISSUED_AT + 1).verify(), "VALID", "valid", "no_photo")


def test_key_not_valid_then_retired() -> None:
    """What a retired key signed up to its retirement stands; what it signed later does not."""
    expect(World(revoked=Revocation(ISSUED_AT - 1, "retired")).verify(), "INVALID", "key_not_valid_then")
    expect(World(revoked=Revocation(ISSUED_AT, "retired")).verify(), "VALID", "valid", "no_photo")


def test_issuer_mismatch() -> None:
    """A card that names another issuer than its key's is refused and not shown."""
    verdict = World().verify(code(issuer="cn.440000"))
    expect(verdict, "INVALID", "issuer_mismatch")
    assert verdict.card is None


def test_region_not_allowed() -> None:
    """An issuer of one province vouches for no other; the card is shown, since its issuer did sign it."""
    verdict = World().verify(code(permit={"region": "440300"}))
    expect(verdict, "INVALID", "region_not_allowed")
    assert verdict.card is not None


def test_region_not_allowed_insurance() -> None:
    """The insurance's region counts as well."""
    shown = code(Profile.AUTHORITY, insurance={"region": "440300"})
    expect(World().verify(shown), "INVALID", "region_not_allowed")


def test_status_uri_not_allowed() -> None:
    """A uri outside the issuer's prefixes, or with anything behind the name, is refused, and no list is asked."""
    for uri in ("https://evil.example/s/k7Qd", PREFIX + "a/b", PREFIX, PREFIX + "a" * 33, PREFIX + "a?b"):
        shown = code(status=StatusRef(uri, STATUS.index))
        expect(World().verify(shown), "INVALID", "status_uri_not_allowed")


def test_not_yet_valid() -> None:
    """A card begins at its nbf, to the second, and the words name the day in China."""
    begins = NOW + 10
    verdict = World().verify(code(not_before=begins))
    expect(verdict, "INVALID", "not_yet_valid", "dated")
    assert verdict.message() == "This card is valid from 7 November 2026."
    expect(World().verify(code(not_before=begins), now=begins), "VALID", "valid", "no_photo")


def test_not_yet_valid_permit() -> None:
    """A permit that begins tomorrow is refused although the code has begun."""
    shown = code(Profile.WORK, permit={"valid_from": claims(Profile.AUTHORITY).card.permit.valid_until})
    expect(World().verify(shown), "INVALID", "not_yet_valid", "dated")


def test_expired() -> None:
    """A card is over at its exp, to the second; its words name the last day, which ended at 24:00 in China."""
    end = claims().expires
    world = World(policy="unsafe_no_status", timestamp=None, given_directly=True, status_list=False)
    expect(world.verify(now=end - 1), "VALID", "valid", "no_photo")
    verdict = world.verify(now=end)
    expect(verdict, "INVALID", "expired", "dated")
    assert verdict.message() == "This card expired on 12 November 2027."
    assert verdict.message("zh") == "此卡已于2027年11月12日过期。"
    assert verdict.permit.state == "expired"


def test_expired_permit() -> None:
    """A permit that is over ends the card, even where the code names a later end."""
    permit = {"valid_until": claims().card.permit.valid_until.replace(year=2026, month=11, day=6)}  # type: ignore[union-attr]
    verdict = World().verify(code(permit=permit))
    expect(verdict, "INVALID", "expired", "dated")
    assert verdict.message() == "This card expired on 6 November 2026."


def test_revoked() -> None:
    """Entry 1 of the status list."""
    verdict = World(entry=1).verify()
    expect(verdict, "INVALID", "revoked")
    assert (verdict.permit.state, verdict.permit.live) == ("revoked", True)


def test_suspended() -> None:
    """Entry 2 of the status list."""
    verdict = World(entry=2).verify()
    expect(verdict, "INVALID", "suspended")
    assert verdict.permit.state == "suspended"


def test_replaced() -> None:
    """Entry 3 of the status list: the states are those of the newer card."""
    verdict = World(entry=3).verify()
    expect(verdict, "INVALID", "replaced")
    assert (verdict.permit.state, verdict.insurance.state) == ("replaced", "replaced")


def test_permit_suspended() -> None:
    """Entry 12 of the status list."""
    verdict = World(entry=12).verify(code(Profile.WORK))
    expect(verdict, "INVALID", "permit_suspended")
    assert (verdict.permit.state, verdict.insurance.state) == ("suspended", "valid")


def test_insurance_lapsed() -> None:
    """Entry 13 under a policy that asks for live insurance."""
    verdict = World(entry=13, policy="inspection").verify(code(Profile.WORK))
    expect(verdict, "INVALID", "insurance_lapsed")
    assert (verdict.insurance.state, verdict.insurance.live) == ("lapsed", True)


def test_insurance_lapsed_not_asked_for() -> None:
    """Entry 13 under a policy that does not ask for insurance is VALID, and the state says lapsed."""
    verdict = World(entry=13).verify(code(Profile.WORK))
    expect(verdict, "VALID", "valid", "no_photo")
    assert (verdict.insurance.state, verdict.insurance.live) == ("lapsed", True)


def test_permit_suspended_and_insurance_lapsed() -> None:
    """Entry 14 is both: the permit first, the insurance in also where it is asked for."""
    verdict = World(entry=14, policy="inspection").verify(code(Profile.WORK))
    assert (str(verdict.reason), [str(also) for also in verdict.also]) == ("permit_suspended", ["insurance_lapsed"])
    expect(World(entry=14).verify(code(Profile.WORK)), "INVALID", "permit_suspended")


LIVE = Policy("live", insurance="live")
AS_OF_ISSUE = Policy("as_of_issue", insurance="as_of_issue")


def test_policy_not_met_category() -> None:
    """A category that nobody has defined satisfies no policy."""
    verdict = World().verify(code(permit={"category": "D"}))
    expect(verdict, "INVALID", "policy_not_met", "category")
    assert verdict.permit.state == "unknown"


def test_policy_not_met_insurance() -> None:
    """A card that shows no scheme does not satisfy a policy that asks for insurance."""
    verdict = World(policy=AS_OF_ISSUE).verify(code(insurance={"schemes": 0}))
    expect(verdict, "INVALID", "policy_not_met", "insurance")
    assert verdict.insurance.state == "not_enrolled"


def test_policy_not_met_insurance_unknown() -> None:
    """A scheme that nobody has defined satisfies no policy that asks for insurance, and harms no other."""
    shown = code(insurance={"schemes": 64 | 2})
    expect(World(policy=AS_OF_ISSUE).verify(shown), "INVALID", "policy_not_met", "insurance_unknown")
    verdict = World().verify(shown)
    expect(verdict, "VALID", "valid", "no_photo")
    assert verdict.insurance.state == "unknown"


def test_policy_not_met_schemes() -> None:
    """Every scheme asked for must be covered; an exemption is no cover."""
    policy = replace(LIVE, schemes=Scheme.PENSION | Scheme.MEDICAL)
    expect(World(policy=policy).verify(code(Profile.AUTHORITY)), "INVALID", "policy_not_met", "schemes")
    expect(World(policy="benefit").verify(code(Profile.AUTHORITY)), "VALID", "valid", "no_photo")


def test_policy_not_met_paid_through() -> None:
    """Contributions are paid through the month asked for, or the card does not meet it."""
    for month, good in ((Month(2026, 9), True), (Month(2026, 10), False)):
        verdict = World(policy=replace(AS_OF_ISSUE, paid_through=month)).verify()
        if good:
            expect(verdict, "VALID", "valid", "no_photo")
        else:
            expect(verdict, "INVALID", "policy_not_met", "paid_through")


def test_policy_not_met_service() -> None:
    """A service that the card does not grant."""
    expect(World(policy=Policy("library", service=2)).verify(), "VALID", "valid", "no_photo")
    expect(World(policy=Policy("museum", service=6)).verify(), "INVALID", "policy_not_met", "service")


def test_policy_not_met_region() -> None:
    """A policy's province takes the cards of its districts, and no others."""
    expect(World(policy=Policy("sh", regions=frozenset({"310000"}))).verify(), "VALID", "valid", "no_photo")
    expect(World(policy=Policy("gd", regions=frozenset({"440000"}))).verify(), "INVALID", "policy_not_met", "region")


def test_policy_not_met_issuer() -> None:
    """A policy's issuers are a subset of the trusted ones."""
    policy = Policy("gd", issuers=frozenset({"cn.440000"}))
    expect(World(policy=policy).verify(), "INVALID", "policy_not_met", "issuer")


def test_trust_list_missing() -> None:
    """Before the first trust list nothing is untrusted: nobody could know."""
    world = World()
    expect(Verifier((), Policy.named("gate")).verify(code(), now=NOW), "INDETERMINATE", "trust_list_missing")
    verdict = world.edited(trust_list=None, usage="card").verify(code(key=OTHER_KEY))
    expect(verdict, "INDETERMINATE", "trust_list_missing")


def test_trust_list_stale_ended() -> None:
    """A trust list is stale at its exp, to the second."""
    ends = replace(TRUST_LIST, exp=NOW)
    verdict = World(trust_list=ends).verify()
    expect(verdict, "INDETERMINATE", "trust_list_stale", "ended")
    expect(World(trust_list=replace(ends, exp=NOW + 1)).verify(), "VALID", "valid", "no_photo")


def test_trust_list_stale_aged() -> None:
    """A trust list older than the policy allows is stale, with age and limit in the words."""
    policy = Policy("strict", trust_list_max_age=5 * DAY)
    verdict = World(policy=policy).verify()
    expect(verdict, "INDETERMINATE", "trust_list_stale", "aged")
    assert verdict.message() == "The list of trusted issuers here is 10 days old (limit 5 days)."


def test_trust_list_stale_superseded() -> None:
    """A trust list that the timestamp no longer names is stale, by version or by content."""
    for named in (
        replace(TIMESTAMP, trust_version=8, trust_hash=b"eight"),
        replace(TIMESTAMP, trust_hash=b"other"),
    ):
        expect(World(timestamp=named).verify(), "INDETERMINATE", "trust_list_stale", "superseded")


def test_timestamp_missing() -> None:
    """Without a timestamp nobody knows whether the lists are the newest."""
    expect(World(timestamp=None).verify(), "INDETERMINATE", "timestamp_missing")


def test_timestamp_stale() -> None:
    """A timestamp is stale at its exp, and above the policy's age; its age alone does not matter to offline."""
    expect(World(timestamp=replace(TIMESTAMP, exp=NOW)).verify(), "INDETERMINATE", "timestamp_stale", "ended")
    old = World(timestamp=replace(TIMESTAMP, iat=NOW - 72 * HOUR - 1))
    expect(old.verify(), "INDETERMINATE", "timestamp_stale", "aged")
    expect(old.edited(timestamp=replace(TIMESTAMP, iat=NOW - 72 * HOUR)).verify(), "VALID", "valid", "no_photo")
    expect(old.edited(policy="offline").verify(), "VALID", "valid", "no_photo")


def test_status_missing() -> None:
    """Without the card's list nothing is VALID, unless the policy says so in its unsafe name."""
    world = World(status_list=False)
    expect(world.verify(), "INDETERMINATE", "status_missing")
    expect(world.edited(policy="unsafe_no_status").verify(), "VALID", "valid", "no_photo")


def test_status_stale_aged() -> None:
    """A status list above the policy's age is stale, with the words for the counter."""
    verdict = World(status_iat=NOW - 26 * HOUR).verify()
    expect(verdict, "INDETERMINATE", "status_stale", "aged")
    assert verdict.message() == "The list of cancelled cards here is 26 hours old (limit 24 hours)."
    assert verdict.message("zh") == "注销名单已26小时未更新（上限24小时）。"
    expect(World(status_iat=NOW - 24 * HOUR).verify(), "VALID", "valid", "no_photo")


def test_status_stale_ended() -> None:
    """A status list is stale at its exp under every policy that needs one."""
    expect(World(status_exp=NOW, policy="offline").verify(), "INDETERMINATE", "status_stale", "ended")


def test_status_stale_superseded() -> None:
    """A status list older than the timestamp says is stale, however young."""
    named = replace(TIMESTAMP, lists={STATUS.uri: NOW - HOUR + 1})
    expect(World(timestamp=named).verify(), "INDETERMINATE", "status_stale", "superseded")


def test_status_unknown() -> None:
    """A value that nobody defined, and an index beyond the list, say nothing."""
    for world in (World(entry=7), World(entry=15), World(status_size=STATUS.index)):
        expect(world.verify(), "INDETERMINATE", "status_unknown")


def test_clock_unreliable_card() -> None:
    """A card from the future, by more than 300 s, says that this clock is wrong."""
    world = World(policy="unsafe_no_status", given_directly=True, status_list=False)
    expect(world.verify(now=ISSUED_AT - 300), "VALID", "valid", "no_photo")
    expect(world.verify(now=ISSUED_AT - 301), "INDETERMINATE", "clock_unreliable")


def test_clock_unreliable_status() -> None:
    """A status list from the future makes its own issuer's cards indeterminate."""
    expect(World(status_iat=NOW + 300).verify(), "VALID", "valid", "no_photo")
    expect(World(status_iat=NOW + 301).verify(), "INDETERMINATE", "clock_unreliable")


def test_clock_unreliable_floor() -> None:
    """A clock more than 300 s below the floor confirms nothing."""
    expect(World(floor=NOW + 300).verify(), "VALID", "valid", "no_photo")
    expect(World(floor=NOW + 301).verify(), "INDETERMINATE", "clock_unreliable")


def test_not_disclosed_employer() -> None:
    """A public code cannot tell an inspector the employer: another code can."""
    verdict = World(policy=Policy("employer", employer_disclosed=True)).verify()
    expect(verdict, "INDETERMINATE", "not_disclosed", "employer")
    assert verdict.action() == "Ask the holder for the Work code and scan it."
    expect(World(policy="inspection").verify(code(Profile.WORK)), "VALID", "valid", "no_photo")


def test_not_disclosed_insurance() -> None:
    """A public code's insurance is never live, whatever the list says."""
    verdict = World(policy=LIVE).verify()
    expect(verdict, "INDETERMINATE", "not_disclosed", "insurance")
    assert (verdict.insurance.state, verdict.insurance.live) == ("valid", False)
    assert verdict.insurance.as_of == ISSUED_AT


def test_keys_of_other_algorithms() -> None:
    """An ES256 key in the same domain signs cards too."""
    key = key_of(ES256)
    world = World(more_keys=(TrustedKey(key.verifying_key, "card", World().issuer, 0),))
    expect(world.verify(code(key=key)), "VALID", "valid", "no_photo")


def test_another_issuers_list_is_no_ones() -> None:
    """A status list signed by another issuer's key does not speak for this issuer's cards."""
    world = World()
    entries = world.domain().status_lists[STATUS.uri]
    thief = TrustedKey(OTHER_KEY.verifying_key, "status", ELSEWHERE, 0)
    stolen = replace(entries, key_thumbprint=bytes(OTHER_KEY.verifying_key.thumbprint))  # type: ignore[type-var]
    domain = world.edited(more_keys=(thief,)).domain()
    mixed = type(domain)(
        name="mixed",
        environment="test",
        keys=domain.keys,
        trust_list=TRUST_LIST,
        timestamp=TIMESTAMP,
        status_lists={STATUS.uri: stolen},
    )
    expect(Verifier(mixed, Policy.named("gate")).verify(code(), now=NOW), "INDETERMINATE", "status_missing")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("begins", [LAST - 8 * HOUR + 1, LAST - 1])
def test_not_yet_valid_until_the_calendar_ends(begins: int, language: Language) -> None:
    """A code that begins in the last hours of 9999, which in China are those of the year 10000, has words all the
    same, and a place in a batch."""
    issued = LAST - LAST % HOUR - 24 * HOUR
    shown = code(issued_at=issued, not_before=begins, expires=LAST)
    domain = World(trust_list=None, given_directly=True, valid_until=None).domain()
    verifier = Verifier(domain, Policy.named("unsafe_no_status"))
    for verdict in (verifier.verify(shown, now=NOW), *verifier.verify_many([shown] * 2, now=NOW)):
        assert (verdict.outcome, verdict.reason) == ("INVALID", "not_yet_valid")
        assert "9999" in verdict.message(language)
        jsonschema.validate(json.loads(verdict.to_json(language)), verdict_schema())


def test_not_disclosed_permit() -> None:
    """A code without a permit, or of a permit without an end, never reads as one in force."""
    for permit in ({"valid_until": None}, dict.fromkeys(("category", "valid_until", "region"))):
        verdict = World().verify(code(permit=permit))
        expect(verdict, "INDETERMINATE", "not_disclosed", "permit")
        assert verdict.permit.state == "not_disclosed"
        assert "in force" not in verdict.message()
        jsonschema.validate(verdict.to_dict(), verdict_schema())


def test_policy_not_met_profile() -> None:
    """A profile that nobody has defined satisfies no policy, whatever else holds."""
    expect(
        World().verify(envelope.to_ic1(signed(encode_claims(replace(claims(), profile=9))))),
        "INVALID",
        "policy_not_met",
        "profile",
    )


@pytest.mark.parametrize(
    "times",
    [
        {"issued_at": ISSUED_AT + 1},
        {"expires": ISSUED_AT + 400 * DAY + 1},
        {"expires": 253_402_300_799},
        {"expires": ISSUED_AT},
        {"not_before": ISSUED_AT + 30 * DAY, "expires": ISSUED_AT + 30 * DAY},
    ],
)
def test_malformed_times(times: dict[str, int]) -> None:
    """Times that the format does not allow are refused under a good signature too."""
    made = to_map(claims())
    made |= {key: times[name] for key, name in ((4, "expires"), (5, "not_before"), (6, "issued_at")) if name in times}
    verdict = World().verify(envelope.to_ic1(signed(cbor.encode(made))))
    expect(verdict, "INVALID", "malformed")
    assert verdict.error is not None
    assert verdict.error.code == "claims.disagrees"


def test_key_contested() -> None:
    """Where two domains of one environment list the card's key for cards, neither may judge, and nothing is shown."""
    compromised = World(revoked=Revocation(NOW - DAY, "compromised")).domain()
    for domains in ([World().domain(), compromised], [compromised, World().domain()]):
        verdict = Verifier(domains, Policy.named("gate")).verify(code(), now=NOW)
        expect(verdict, "INDETERMINATE", "key_contested")
        assert (verdict.card, verdict.environment, verdict.evidence.domain) == (None, "test", None)


def test_every_reason_has_a_test() -> None:
    """Each code of the catalogue has a test of its name in this module."""
    names = [name for name in vars(sys.modules[__name__]) if name.startswith("test_")]
    missing = [reason for reason in catalogue() if not any(name.startswith(f"test_{reason}") for name in names)]
    assert missing == []
