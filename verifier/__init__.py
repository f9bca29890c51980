"""Verify Integrated Cards offline. The public interface of the package.

>>> from icard_crypto.encoding import envelope
>>> from icard_crypto.signing import cose
>>> from icard_crypto.signing.algorithms import ED25519
>>> from icard_crypto.signing.keys import SigningKey
>>> from verifier import Issuer, Policy, Refused, TrustDomain, TrustedKey, Verifier

What is trusted is handed over; here one key, otherwise a trust list. Time is an argument:

>>> key = SigningKey.from_raw(ED25519, bytes(32))
>>> shanghai = Issuer("cn.310000", {"en": "Shanghai", "zh": "上海"}, frozenset({"310000"}), ("https://s.example/",))
>>> trusted = TrustedKey(key.verifying_key, "card", shanghai, valid_from=0)
>>> verifier = Verifier(TrustDomain.from_keys([trusted], environment="test"), Policy.named("unsafe_no_status"))

Whatever is shown gives a verdict, never an exception:

>>> verdict = verifier.verify("https://example.com/", now=1_800_000_000)
>>> verdict.outcome, str(verdict.reason)
('INVALID', 'not_a_card')
>>> verdict.message("en"), verdict.message("zh")
('This is a web address, not a card.', '这是网址，不是集成卡。')
>>> verifier.verify(envelope.to_ic1(cose.sign_token(b"{}", key)), now=1_800_000_000)
Verdict(INVALID, 'malformed', policy='unsafe_no_status')

A verdict is not a truth value; to enforce one, require it:

>>> try:
...     verdict.require()
... except Refused as refused:
...     print(refused)
verdict.refused: The card was not confirmed as valid.; expected VALID; found INVALID (not_a_card)
"""

from icard_crypto.card.card import Card, Profile, Scheme, Service
from icard_crypto.errors import IcardError, MissingPart, StateError
from icard_crypto.errors import register as _register

from .decision.errors import UsageError
from .decision.policy import Policy
from .decision.reasons import Outcome, Reason
from .decision.states import State
from .decision.verdict import Evidence, Refused, Valid, Verdict
from .decision.verdict_json import verdict_schema
from .decision.verifier import Verifier
from .knowledge.trust import Issuer, Revocation, StatusListView, Timestamp, TrustDomain, TrustedKey, TrustListFacts

__all__ = [
    "Card",
    "Evidence",
    "IcardError",
    "Issuer",
    "MissingPart",
    "Outcome",
    "Policy",
    "Profile",
    "Reason",
    "Refused",
    "Revocation",
    "Scheme",
    "Service",
    "State",
    "StateError",
    "StatusListView",
    "Timestamp",
    "TrustDomain",
    "TrustListFacts",
    "TrustedKey",
    "UsageError",
    "Valid",
    "Verdict",
    "Verifier",
    "verdict_schema",
]

_register("verifier")
