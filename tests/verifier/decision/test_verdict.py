"""The verdict as an object and as JSON."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from icard_crypto.card.card import Profile, Scheme, Service
from icard_crypto.card.fields import SERVICES
from icard_crypto.encoding import envelope
from icard_crypto.errors import Language
from icard_crypto.errors import catalogue as error_catalogue
from tests.kit.reference import ISSUED_AT, STATUS
from tests.kit.trust_domain import NOW, OTHER_KEY, PREFIX, TIMESTAMP, TRUST_LIST, World, claims, code, signed
from verifier import Policy, Refused, UsageError, Valid, Verdict, verdict_schema
from verifier.decision.reasons import catalogue
from verifier.decision.verdict_json import verdict_text

LANGUAGES: tuple[Language, ...] = ("en", "zh")
PHOTO = {"photo": b"RIFF0000WEBP" + bytes(200), "photo_format": 4}


def unpickled(packed: bytes) -> Any:
    """What was pickled, in this process alone."""
    return pickle.loads(packed)  # noqa: S301 - it was pickled a moment ago


def many_verdicts() -> list[Verdict]:
    """Verdicts of every kind: all entries, profiles and policies, and what could not be read."""
    worlds = [World(entry=entry, policy=policy) for entry in range(16) for policy in Policy.names()]
    worlds += [
        World(status_list=False),
        World(timestamp=None),
        World(trust_list=replace(TRUST_LIST, exp=NOW - 1)),
        World(timestamp=replace(TIMESTAMP, trust_version=9)),
        World(floor=NOW + 1000),
        World(given_directly=True),
        World(environment="production"),
    ]
    shown: list[Any] = [code(profile) for profile in Profile]
    shown += [code(holder=PHOTO), code(key=OTHER_KEY), code(not_before=NOW + 1), code(permit={"category": "D"})]
    shown += [code(insurance=None), code(services=()), code(insurance={"schemes": 64}), code(expires=NOW)]
    shown += ["", "https://a", "IC1:a", "IC1:" + "0" * 9000, b"\xff", signed(b"\xa0"), envelope.to_ic1(b"\xd2")]
    return [world.verify(one) for world in worlds for one in shown]


def test_json_keeps_to_its_schema() -> None:
    """Verdicts of every kind, in both languages, are what the published schema says."""
    check = jsonschema.Draft202012Validator(verdict_schema())
    seen = set()
    for verdict in many_verdicts():
        for language in LANGUAGES:
            written = json.loads(verdict.to_json(language))
            seen.add(written["reason"])
            assert [error.message for error in check.iter_errors(written)] == []
    assert len(seen) > 15


def test_text_is_the_dict_written() -> None:
    """The text of verdicts of every kind, in both languages, is their dict, byte for byte: at first, and remembered."""
    for verdict in many_verdicts():
        for language in LANGUAGES:
            written = json.dumps(verdict.to_dict(language), ensure_ascii=False, separators=(",", ":"))
            assert verdict_text(verdict, language) == verdict_text(verdict, language) == written


def test_evidence_is_of_its_own_verdict() -> None:
    """A domain that remembers evidence gives each code, key and moment the evidence that a new domain gives."""
    verifier = World(floor=NOW + 5).verifier()
    elsewhere = [replace(STATUS, uri=f"{PREFIX}{name}") for name in ("one", "two")]
    shown = [code(), code(key=OTHER_KEY), code(Profile.WORK), *(code(status=each) for each in elsewhere), "IC1:a"]
    for _ in range(2):
        for moment in range(NOW, NOW + 100):
            for one in shown:
                found = verifier.verify(one, now=moment).evidence
                assert found == World(floor=NOW + 5).verify(one, now=moment).evidence
    assert all(len(domain.remembered) <= 256 for domain in verifier.domains)


def test_schema_is_a_schema() -> None:
    """The published schema is valid itself and closed: a field it does not know is a fault."""
    jsonschema.Draft202012Validator.check_schema(verdict_schema())
    written = World().verify().to_dict() | {"extra": 1}
    with pytest.raises(jsonschema.ValidationError, match="extra"):
        jsonschema.validate(written, verdict_schema())


def test_schema_knows_every_reason() -> None:
    """The schema's reasons are the catalogue's."""
    assert verdict_schema()["$defs"]["reason"]["enum"] == list(catalogue())


def test_no_bare_bool() -> None:
    """A verdict is neither true nor false: an ignored INDETERMINATE cannot mean yes."""
    with pytest.raises(UsageError) as caught:
        bool(World().verify())
    assert caught.value.code == "usage.truth"
    assert caught.value.message() == "A verdict is neither true nor false."


def test_require() -> None:
    """require() gives a VALID verdict back, with a card, and raises on every other, with the verdict."""
    good = World(environment="production").verify()
    assert good.require() is good
    assert isinstance(good, Valid)
    assert good.require().card is good.card
    for world, told in (
        (World(entry=1), "INVALID (revoked)"),
        (World(timestamp=None), "INDETERMINATE (timestamp_missing)"),
    ):
        verdict = world.verify()
        with pytest.raises(Refused) as caught:
            verdict.require()
        assert caught.value.verdict is verdict
        assert (caught.value.code, caught.value.found) == ("verdict.refused", told)
        assert caught.value.message() == "The card was not confirmed as valid."


def test_require_refuses_a_test_card_unless_it_was_asked_for() -> None:
    """A genuine card of a test environment is nobody's permit: a program that does not ask for one refuses it."""
    card = World(environment="test").verify()
    assert card.outcome == "VALID"
    with pytest.raises(Refused) as caught:
        card.require()
    assert (caught.value.code, caught.value.found) == ("verdict.test_card", "VALID (valid) of environment test")
    assert caught.value.verdict is card
    assert card.require(test=True) is card
    with pytest.raises(Refused) as still:
        World(environment="test", entry=1).verify().require(test=True)
    assert still.value.code == "verdict.refused"
    assert unpickled(pickle.dumps(caught.value)).code == "verdict.test_card"


def test_only_valid_verdicts_are_typed_as_valid() -> None:
    """Over verdicts of every kind the class says what the outcome says."""
    for verdict in many_verdicts():
        assert isinstance(verdict, Valid) == (verdict.outcome == "VALID")


def test_verdict_pickles_and_copies() -> None:
    """A pickled verdict says the same in every word, as one of the same class, and carries no keys or lists; copies
    are the verdict itself."""
    for verdict in many_verdicts():
        packed = pickle.dumps(verdict)
        again = unpickled(packed)
        assert type(again) is type(verdict)
        assert again == verdict
        assert again.to_json("zh") == verdict.to_json("zh")
        assert (again.permit, again.insurance, again.card) == (verdict.permit, verdict.insurance, verdict.card)
        assert unpickled(pickle.dumps(again)) == verdict
        assert copy.copy(verdict) is verdict
        assert copy.deepcopy(verdict) is verdict


def test_verifier_and_domain_pickle() -> None:
    """A verifier that went to another process gives the same verdicts there."""
    verifier = World().verifier()
    again = unpickled(pickle.dumps(verifier))
    for shown in (code(), "https://example.com/", code(expires=NOW - 1)):
        assert again.verify(shown, now=NOW) == verifier.verify(shown, now=NOW)
    assert copy.copy(verifier) is copy.deepcopy(verifier) is verifier
    assert copy.deepcopy(verifier.domains[0]) is verifier.domains[0]
    assert repr(again) == "Verifier([TrustDomain('test domain', 'test', 2 keys)], policy='gate')"


def test_python_and_json_use_one_vocabulary() -> None:
    """What JSON calls mends and detail has the same name in Python; schemes and services have names, not bare
    numbers."""
    verdict = World().verify(code(Profile.AUTHORITY))
    told = verdict.to_dict()
    assert (verdict.mends, verdict.detail) == (told["mends"], told["detail"])
    card = World().verify(code(Profile.AUTHORITY)).require(test=True).card
    assert card.insurance is not None
    assert isinstance(card.insurance.schemes, Scheme)
    assert all(isinstance(service, Service) for service in card.services)
    assert [service.name.lower() for service in card.services] == told["card"]["services"]
    unknown = World().verify(code(services=(2, 77))).require(test=True).card.services
    assert [service.name for service in unknown] == ["LIBRARY", "UNKNOWN_77"]
    assert [service.name.lower() for service in Service] == list(SERVICES)
    assert [service.value for service in Service] == [service.number for service in SERVICES.values()]


def test_immutable() -> None:
    """No attribute of a verdict, a verifier or a domain can be set or deleted."""
    verdict = World().verify()
    with pytest.raises(AttributeError, match="immutable"):
        verdict.outcome = "VALID"
    with pytest.raises(AttributeError, match="immutable"):
        del verdict.reason
    with pytest.raises(AttributeError, match="immutable"):
        World().domain().clock_floor = 0
    with pytest.raises(AttributeError, match="immutable"):
        World().verifier()._policy = Policy.named("offline")


def test_equal_verdicts() -> None:
    """Verdicts are equal by what they say."""
    assert World().verify() == World().verify()
    assert World().verify() != World(entry=1).verify()
    assert hash(World().verify()) == hash(World().verify())


def test_public_insurance_is_as_of_issue() -> None:
    """A public code's insurance is as of its iat even where the list says lapsed; work and authority are live."""
    public = World().verify()
    assert (public.insurance.live, public.insurance.as_of) == (False, ISSUED_AT)
    for profile in (Profile.WORK, Profile.AUTHORITY):
        verdict = World().verify(code(profile))
        assert (verdict.insurance.state, verdict.insurance.live) == ("valid", True)
        assert verdict.insurance.as_of == World().status_iat


def test_public_entry_that_tells_of_a_lapse() -> None:
    """A public code's entry should never tell of a lapse; where one does, it is shown, but not as live."""
    verdict = World(entry=13).verify()
    assert (verdict.outcome, verdict.insurance.state, verdict.insurance.live) == ("VALID", "lapsed", False)


def test_insurance_not_disclosed() -> None:
    """A card without insurance says nothing of it."""
    assert World().verify(code(insurance=None)).insurance.state == "not_disclosed"


def test_insurance_exempt() -> None:
    """No scheme but a certificate in force is exempt; the certificate's days count."""
    shown = code(Profile.AUTHORITY, insurance={"schemes": 0})
    verdict = World(policy="inspection").verify(shown)
    assert (verdict.outcome, verdict.insurance.state) == ("VALID", "exempt")
    insurance = claims(Profile.AUTHORITY).card.insurance
    assert insurance is not None
    over = replace(insurance.exemptions[0], valid_until=insurance.exemptions[0].valid_from)
    verdict = World(policy="inspection").verify(
        code(Profile.AUTHORITY, insurance={"schemes": 0, "exemptions": (over,)})
    )
    assert (str(verdict.reason), verdict.insurance.state) == ("policy_not_met", "not_enrolled")


def test_reason_is_its_code() -> None:
    """A reason compares, hashes and serialises as its code, and survives pickling with its figures."""
    reason = World(status_iat=NOW - 26 * 3600).verify().reason
    assert reason == "status_stale"
    assert len({reason, "status_stale"}) == 1
    assert json.dumps(reason) == '"status_stale"'
    again = unpickled(pickle.dumps(reason))
    assert (again, again.message()) == (reason, reason.message())


def test_words_of_every_reason() -> None:
    """Every reason and variant has its four texts, short enough, and English says no "please" where Chinese says 请."""
    fill = {"date": "31 October 2026", "age": "26 hours", "limit": "24 hours"}
    for reason, entry in catalogue().items():
        assert entry["outcome"] in ("VALID", "INVALID", "INDETERMINATE")
        for texts in (entry, *entry.get("variants", {}).values()):
            told = {name: {**entry, **texts}[name].format_map(fill) for name in ("en", "zh", "do_en", "do_zh")}
            assert max(len(told["en"].split()), len(told["do_en"].split())) <= 20, reason
            assert max(len(told["zh"]), len(told["do_zh"])) <= 45, reason
            assert "please" not in (told["en"] + told["do_en"]).lower(), reason
            for text in told.values():
                assert text.endswith((".", "。")), reason


def test_words_of_every_error_reason() -> None:
    """Every error code in the table exists, and every text and picture code is in the table."""
    from verifier.decision.reasons import _errors_file

    table = _errors_file()["reasons"]
    codes = set(error_catalogue())
    assert set(table) <= codes
    assert {name for name in codes if name.startswith(("text.", "picture."))} <= set(table)
    assert set(table.values()) <= set(catalogue())


def test_no_verdict_repeats_what_was_shown() -> None:
    """What could not be verified is not written anywhere: it may be anybody's secret."""
    secret = "otpauth://totp/anna?secret=JBSWY3DP"
    verdict = World().verify(secret)
    assert "JBSWY3DP" not in verdict.to_json() + repr(verdict)
