"""Certificates of coverage on record: judged by the treaty, kept with the outcome, exempt from then on.

Promises:

1. A certificate is judged when it is handed in, with those before it; accepted or refused, it is kept with the reason
   and the rule row.
2. Exemption changes what is due at once: the person's state is computed in the same transaction, and the person's
   cards get new codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Invalid
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.names import PassportName, compare
from issuer.rules.days import day_of
from issuer.rules.store import book_of

from .answers import Answer
from .card_codes import make_codes
from .identity import require_staff
from .lapses import follow
from .parties import notify_insured, refuse_own, require_insured
from .records import add_fact, certificate_body, load_people
from .schemes import Scheme
from .treaties import Certificate, judge_certificate

__all__ = ["NewCertificate", "add_certificate"]

_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate that is handed in; days are both included. The name is the one in the certificate."""

    country: str
    group: str
    number: str
    schemes: Scheme
    first: date
    last: date
    surname: str
    given: str
    extension: bool = False
    issued_on: date | None = None


def add_certificate(
    core: Core, who: Principal, person_id: str, new: NewCertificate, request: Request | None = None
) -> tuple[str, Answer]:
    """Judge a certificate and put it on record; the id of its row, and the answer.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``.
        Invalid: ``insurance.certificate``.
    """
    who.require("insurance.register")
    if not 0 < len(new.number) <= _LONGEST or not is_plain(new.number) or len(new.country) != 3:
        raise Invalid("insurance.certificate", path="number", expected=f"1 to {_LONGEST} printable characters")

    def work(unit: UnitOfWork) -> tuple[str, Answer]:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        refuse_own(who, person_id)
        require_staff(core, session, who, person_id)
        today = day_of(now)
        insured = load_people(core, session, [person_id], lock=True)[person_id]
        record = insured.record
        same = compare(PassportName(record.surname, record.given), PassportName(new.surname, new.given)) is None
        certificate = Certificate(
            new.country, new.group, new.schemes, new.first, new.last, new.extension, same, new.issued_on
        )
        earlier = insured.person.as_known(today).certificates
        answer = judge_certificate(book_of(session), certificate, earlier, today)
        body = certificate_body(certificate, new.number, answer.outcome, answer.reason)
        fact_id = add_fact(core, session, now, person_id, "certificate", body)
        insured.row.revision += 1
        insured.row.changed_at = now
        employers = [one.employer for one in insured.person.employments if one.ended is None][:1]
        notify_insured(core, session, now, f"insurance.certificate_{answer.outcome}", [person_id], employers)
        session.flush()
        _, acts = follow(core, session, now, [person_id], who.by(), codes=True)
        details = {"outcome": answer.outcome, "reason": answer.reason, "rules": [rule.name for rule in answer.rules]}
        unit.audit("insurance.certificate", person_id, details)
        unit.audit_acts(acts)
        unit.made(fact_id)
        return fact_id, answer

    made = core.transact(who.by(), work, request=request)
    make_codes(core, [person_id], who.by())
    return made
