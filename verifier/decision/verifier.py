"""The offline decision about one code.

:meth:`Verifier.verify` checks, in this order, everything that can be checked:

 1. size: at most 8,192 characters, or 16 KiB of bytes
 2. prefix: a card's form, and not a web address, a vaccination certificate, ...
 3. base45
 4. inflate (Claim 169 only): one whole zlib stream, capped
 5. frame: a tagged COSE_Sign1 and nothing behind it
 6. headers: alg and kid protected, nothing unprotected, no crit, no typ
 7. the algorithm is in the closed table
 8. the kid is one of a trusted key's, and one domain alone decides about that key: a production domain before a test
    domain, and no domain where two of one environment list it for cards
 9. that key signs cards
10. that key's algorithm is the header's
11. the signature holds
12. the key is neither marked compromised nor denied by the timestamp
13. the payload is strict CBOR
14. the claims are a card's
15. the key signed within its window, and before it was retired
16. the card names the issuer whose key signed it
17. the issuer may issue for the card's regions
18. the status uri is one of the issuer's
19. the card has begun and has not ended
20. the clock: not below the floor of what is known, and nothing comes from its future
21. the trust list is there, not ended, young enough for the policy, and the one that the timestamp names
22. the timestamp is there, not ended, young enough for the policy
23. the card's entry in a status list that is there, not ended, young enough, and not older than the timestamp says
24. the permit: of a known category, begun, not ended
25. the insurance, where the policy asks for it
26. what else the policy asks for

The reason is the first that makes the verdict INVALID, else the first that makes it INDETERMINATE; the others are in
``also``. A reason from stale data that newer data could undo does not count: it becomes ``last_known``, and the
staleness is the reason. A verdict is VALID only when everything could be checked.

What remains for the caller: to compare the face (a copied code is genuine too), to keep trust lists, timestamps and
status lists fresh, to pass the right time, and to show that a test card is a test card.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from icard_crypto.card.claims import decode_facts
from icard_crypto.card.facts import Facts
from icard_crypto.encoding import envelope
from icard_crypto.errors import DecodeError, IcardError
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import Algorithm
from verifier.knowledge.trust import Environment, TrustDomain, TrustedKey

from . import batch, checks, rules
from .arguments import LATEST, Now, Shown, plain_codes, plain_shown, whole_seconds
from .errors import UsageError
from .findings import Findings
from .moment import Moment, unread_fault
from .policy import Policy
from .precedents import Precedent, Precedents, Read
from .reading import NativeReading
from .reasons import Outcome, Reason, reason_of_error
from .signers import find_signers
from .states import Knowledge
from .verdict import Verdict, new_verdict, verdict_like

if TYPE_CHECKING:
    from icard_crypto.pictures.pictures import Picture

__all__ = ["Now", "Shown", "Verifier"]

_VALID: Final = Reason("valid")
_VALID_NO_PHOTO: Final = Reason("valid", "no_photo")
"""Made once: the good path builds no words and no reasons."""


class Verifier:
    """Verifies codes against trust domains under one policy. Immutable and thread-safe.

    New knowledge makes a new verifier; the domains that did not change are shared.

    Args:
        domains: one or several trust domains; ``iss`` is unique within each.
        policy: what a check asks of a card.

    Raises:
        UsageError: ``usage.domains``.
    """

    __slots__ = ("_domains", "_environment", "_moments", "_policy", "_precedents", "_reading", "_unread")

    _domains: tuple[TrustDomain, ...]
    _policy: Policy
    _environment: Environment | None
    _moments: dict[TrustDomain, Moment]
    _precedents: Precedents | None
    _reading: NativeReading | None
    _unread: str | None

    def __init__(self, domains: TrustDomain | Sequence[TrustDomain], policy: Policy) -> None:
        given = (domains,) if isinstance(domains, TrustDomain) else tuple(domains)
        if not all(isinstance(domain, TrustDomain) for domain in given) or not isinstance(policy, Policy):
            raise UsageError("usage.domains", expected="TrustDomain objects and a Policy")
        # An empty tuple is no misuse: a verifier whose trust list has not come yet says so in every verdict.
        environments = {domain.environment for domain in given if domain.trust_list or not domain.fault}
        put = object.__setattr__
        put(self, "_domains", given)
        put(self, "_policy", policy)
        put(self, "_environment", environments.pop() if len(environments) == 1 else None)
        # The last moment of each domain: codes come many in one second, and in batches of one time.
        put(self, "_moments", {})
        put(self, "_reading", NativeReading.of(given))
        put(self, "_precedents", None)
        put(self, "_unread", unread_fault(given))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Verifier is immutable: {name}")

    def __reduce__(self) -> tuple[object, ...]:
        return (Verifier, (self._domains, self._policy))

    def __copy__(self) -> Verifier:
        return self

    def __deepcopy__(self, _: object) -> Verifier:
        return self

    def __repr__(self) -> str:
        return f"Verifier({list(self._domains)!r}, policy={self._policy.name!r})"

    @property
    def domains(self) -> tuple[TrustDomain, ...]:
        """The trust domains, in the order in which keys are looked for."""
        return self._domains

    @property
    def reading(self) -> NativeReading | None:
        """What the native core may read by itself; None without it."""
        return self._reading

    @property
    def policy(self) -> Policy:
        """What is asked of a card."""
        return self._policy

    def verify(self, shown: Shown, *, now: Now) -> Verdict:
        """The verdict on one code; raises nothing because of what is shown.

        Args:
            shown: a code's text, or bytes: COSE, a zlib stream, or ASCII text.
            now: Unix time, or a datetime with a zone.

        Raises:
            UsageError: ``usage.now``, ``usage.shown``: the arguments are of a wrong type.
        """
        clock = now if type(now) is int and now < LATEST else whole_seconds(now)
        if type(shown) is not str and type(shown) is not bytes:
            shown = plain_shown(shown)
        reading = self._reading
        if reading is not None and type(shown) is str:
            precedents = self._precedents_at(reading, clock)
            read = reading.book.read(shown, precedents.native)
            if read is not None:
                return self._decide(reading, precedents, read, shown)
        try:
            # 1, 2, 3, 4
            cose_bytes = envelope.read(shown).cose
            # 5
            message = cose.parse_sign1(cose_bytes)
            # 6, 7
            headers = cose.token_headers(message)
        except DecodeError as error:
            return self.unreadable(error, now=clock)
        # 8, 11
        judges = find_signers(self._domains, message, headers)
        if not judges:
            return self._unknown_key(headers.kid, clock)
        if len(judges) > 1:
            return self._contested(headers.kid, clock)
        domain, key, holds = judges[0]
        algorithm = headers.algorithm
        return self._judge(clock, domain, key, headers.kid, holds, algorithm, message.payload, None, None)

    def read_many(self, codes: Sequence[str | bytes], *, now: int, threads: int, wanted: Sequence[int] = ()) -> Read:
        """What the native core, where it is here, reads of many codes in so many threads, with the ``wanted`` facts."""
        reading = self._reading
        if reading is None:
            return Read([None] * len(codes), [None] * len(codes), [bytes(8 * len(codes))] * len(wanted))
        precedents = self._precedents_at(reading, now)
        decided, told, payloads, facts = reading.book.read_many(codes, threads, precedents.native, wanted)
        answers: list[Verdict | Precedent | None] = []
        for code, precedent, each, payload in zip(codes, decided, told, payloads, strict=True):
            if precedent is not None and precedent.holds_at(each):
                answers.append(precedent)
            elif payload is None:
                answers.append(None)
            else:
                answers.append(self._decide(reading, precedents, (precedent, each, payload), code))
        return Read(answers, payloads, facts)

    def _precedents_at(self, reading: NativeReading, clock: int) -> Precedents:
        precedents = self._precedents
        if precedents is None or precedents.clock != clock:
            precedents = reading.precedents(clock)
            object.__setattr__(self, "_precedents", precedents)
        return precedents

    def _decide(
        self, reading: NativeReading, precedents: Precedents, read: tuple[Any, Any, bytes], shown: str | bytes
    ) -> Verdict:
        """The verdict on a code whose signature holds and which the native core has read."""
        precedent: Precedent | None
        precedent, told, payload = read
        if precedent is None:
            place, facts, group = told
            domain, key = reading.keys[place]
            made, kid = Facts._make(facts), key.key.kid
            return self._judge(precedents.clock, domain, key, kid, True, None, payload, made, shown, precedents, group)
        if precedent.holds_at(told):
            return verdict_like(precedent.verdict, payload, shown)
        domain, key = precedent.signed_by
        return self._judge(precedents.clock, domain, key, key.key.kid, True, None, payload, None, shown)

    def unreadable(self, error: IcardError, *, now: int) -> Verdict:
        """The verdict on something from which no signed message could be read."""
        reason = reason_of_error(error)
        return new_verdict(reason.outcome, reason, (), self._policy, now, self._environment, error)

    def verify_image(self, picture: Picture, *, now: Now) -> list[Verdict]:
        """The verdicts on all codes in a picture, in the order in which they were found; never empty.

        A picture without a code, or one that cannot be read, gives one INVALID verdict that says so. A picture is what
        :func:`icard_crypto.qr.read` takes, or a file that is open for reading bytes.

        Raises:
            MissingPart: the reader of codes is not installed.
            UsageError: ``usage.now``; ``usage.picture``: it is no picture, or a path where no file can be read.
        """
        from .images import verify_image

        return verify_image(self, picture, now=whole_seconds(now))

    def verify_many(self, shown: Iterable[Shown], *, now: Now, workers: int | None = None) -> list[Verdict]:
        """The verdicts on many codes, in order, as :meth:`verify` gives them; on all cores where forking is safe.

        What is neither text nor bytes (None or NaN in a column) gets an INDETERMINATE verdict, ``misread``, whose error
        names its row; the others are answered.

        Args:
            shown: an iterable of codes; not one code, and not a mapping.
            workers: how many work at once; None: one for each core.

        Raises:
            UsageError: ``usage.now``, ``usage.many``, ``usage.workers``.
        """
        codes, nothing = plain_codes(shown, workers)
        clock = whole_seconds(now)
        verdicts = batch.verify_many(self, codes, clock, workers)
        for row, error in nothing.items():
            verdicts[row] = self.unreadable(error, now=clock)
        return verdicts

    def _contested(self, kid: bytes, clock: int) -> Verdict:
        """The verdict where two domains of one environment list the key that signed: neither may judge."""
        return self._verdict(Findings([Reason("key_contested")]), clock, self._environment, kid=kid)

    def _moment(self, domain: TrustDomain, clock: int) -> Moment:
        moment = self._moments.get(domain)
        if moment is None or moment.clock != clock:
            moment = self._moments[domain] = Moment(domain, self._policy, clock, beside_unread=bool(self._unread))
        return moment

    def _unknown_key(self, kid: bytes, clock: int) -> Verdict:
        found = Findings(() if self._domains else (Reason("trust_list_missing"),))
        fresh = bool(self._domains)
        fault = next(filter(None, (domain.fault for domain in self._domains)), None)
        for domain in self._domains:
            # 20, 21, 22: before 8, because a newer list could know the key.
            moment = self._moment(domain, clock)
            fresh &= moment.fresh
            for doubt in moment.doubts:
                found.undecided(doubt)
        # 8
        found.reject(Reason("untrusted_key"), fresh=fresh)
        return self._verdict(found, clock, self._environment, kid=kid, fault=fault)

    def _judge(
        self,
        clock: int,
        domain: TrustDomain,
        key: TrustedKey,
        kid: bytes,
        holds: bool,
        algorithm: Algorithm | None,
        payload: bytes | None,
        facts: Facts | None,
        source: str | bytes | None,
        precedents: Precedents | None = None,
        group: bytes = b"",
    ) -> Verdict:
        """The verdict under a key: on a payload, which is decoded where there are no facts of it yet. With precedents
        and a group it becomes one of them where it can.

        Called by place, as what it calls is: names of arguments cost a tenth of a verdict.
        """
        moment = self._moment(domain, clock)
        # 20, 21, 22: first, because what follows needs to know whether the trust list is fresh. They only ever raise
        # doubts, and doubts are behind what is INVALID, so that the order of reasons is the one promised.
        found = Findings(moment.judging)
        trusted = holds
        # 9
        if key.usage != "card":
            found.reject(Reason("wrong_key_usage"))
            trusted = False
        if not holds:
            # 10, 11
            same = algorithm is not None and key.key.algorithm.name == algorithm.name
            found.reject(Reason("bad_signature" if same else "key_algorithm_mismatch"))
        # 12
        if key.key.thumbprint in domain.denied:
            found.reject(Reason("key_revoked"))
            trusted = False
        status = listed = error = None
        if holds and payload is not None and facts is None:
            try:
                # 13, 14
                facts = decode_facts(payload)
            except DecodeError as fault:
                error = fault
                found.reject(reason_of_error(fault))
        if facts is not None:
            issuer = key.issuer
            # 15, 16
            trusted &= checks.check_signer(found, facts, key, moment)
            # 17, 18
            scope = None if issuer is None else checks.check_scope(found, facts, issuer, moment)
            # 19, 20
            timely = checks.check_times(found, facts, moment)
            # 23
            if scope is not None and scope.owned:
                listed = scope.listed
                status = checks.check_status(found, facts, listed, moment)
            # 24
            checks.check_permit(found, facts, moment, timely)
            # 25, 26
            rules.check_policy(found, facts, moment)
            rules.check_environment(found, self._policy, domain.environment)
        trusted &= facts is not None
        verdict = self._verdict(
            found, clock, domain.environment, kid, error, facts, payload, source, trusted, key, domain, status
        )
        if precedents is not None and facts is not None and found.are_only(moment.judging):
            precedents.put(group, facts, verdict, (domain, key), listed)
        return verdict

    def _verdict(
        self,
        found: Findings,
        clock: int,
        environment: Environment | None,
        kid: bytes,
        error: IcardError | None = None,
        facts: Facts | None = None,
        payload: bytes | None = None,
        source: str | bytes | None = None,
        trusted: bool = False,
        key: TrustedKey | None = None,
        domain: TrustDomain | None = None,
        status: Knowledge | None = None,
        fault: str | None = None,
    ) -> Verdict:
        """The outcome of what was found: the first INVALID reason, else the first doubt, else VALID."""
        outcome: Outcome
        also: tuple[Reason, ...] = ()
        if found.invalid or found.doubts:
            outcome = "INVALID" if found.invalid else "INDETERMINATE"
            reason, *others = found.invalid + found.doubts
            also = tuple(others)
        else:
            outcome = "VALID"
            reason = _VALID if facts is not None and facts.has_photo else _VALID_NO_PHOTO
        return new_verdict(
            outcome,
            reason,
            also,
            self._policy,
            clock,
            environment,
            error,
            found.last_known,
            facts,
            payload,
            source,
            trusted,
            kid,
            key,
            domain,
            status,
            fault or self._unread,
        )
