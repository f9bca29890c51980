"""The tables of social insurance: who is insured, what is on record about them, the books, states of findings.

Promises, kept by the database's own constraints:

1. A person has one insurance record, and an insurance number is one person's.
2. What is on record is added, never changed: another entry takes its place, and both stay. A row of the books is taken
   back by one other at most, and a row of an import comes in once.
3. Names, numbers, wages and certificates are in sealed columns. The books have sums under ids alone.
4. Rows are locked in the order insured persons, facts, entries, findings, then cards and what follows them in
   :mod:`issuer.cards.models`; the audit's head is always the last.
"""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Hex64, Seconds, Small, Word, sealed
from issuer.db.bound import Bound

__all__ = [
    "BenefitClaim",
    "BenefitOrder",
    "FindingState",
    "HeirAccess",
    "InsuranceEntry",
    "InsuranceFact",
    "InsuredPerson",
    "Recomputation",
    "RefusalReport",
    "ServiceGrant",
]

#: A day as YYYY-MM-DD.
DayText = Annotated[str, mapped_column(String(10))]


class InsuredPerson(Bound, Base):
    """A person's insurance. ``record`` has number, name, birth and sex; ``number_key`` is the number's keyed hash.

    ``state`` is what status entries are made of; ``look_on`` the day on which time alone may change it. ``changes``
    is raised whenever what is on record of the person or in the books is written.
    """

    __tablename__ = "insured_persons"
    bound = ("number_key", "region", "state", "lapsed_since", "look_on")
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint("state in ('good', 'lapsed')", name="state"),
        Index("ix_insured_persons_look_on", "look_on"),
    )

    person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    number_key: Mapped[Hex64] = mapped_column(unique=True)
    record: Mapped[bytes] = sealed()
    region: Mapped[str] = mapped_column(String(6))
    state: Mapped[Word]
    lapsed_since: Mapped[DayText | None]
    look_on: Mapped[DayText | None]
    changes: Mapped[Big] = mapped_column(default=0, server_default="0")
    revision: Mapped[Big] = mapped_column(BigInteger)
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class InsuranceFact(Bound, Base):
    """Something on record: a basis, an employment, an agreement, a certificate, an enrolment, a payout.

    ``body`` is its JSON, sealed. ``replaced_on`` is since when another entry, or none, is in its place.
    ``number`` orders the entries about one person that were made within one second.
    """

    __tablename__ = "insurance_facts"
    bound = ("person_id", "kind", "employer_id", "recorded_on", "replaced_on")
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint(
            "kind in ('basis', 'employment', 'agreement', 'certificate', 'enrolment', 'payout')", name="kind"
        ),
        Index("ix_insurance_facts_person", "person_id", "kind"),
        Index("ix_insurance_facts_employer", "employer_id", "kind", "person_id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("insured_persons.person_id"))
    kind: Mapped[Word]
    employer_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("organisations.id"))
    body: Mapped[bytes] = sealed()
    recorded_on: Mapped[DayText]
    replaced_on: Mapped[DayText | None]
    created_at: Mapped[Seconds]
    number: Mapped[Big] = mapped_column(server_default="0")


class InsuranceEntry(Bound, Base):
    """A row of the books, in fen. ``source_key`` is what an import knows the row by."""

    __tablename__ = "insurance_entries"
    bound = (
        "person_id",
        "employer_id",
        "kind",
        "month",
        "scheme",
        "employer_part",
        "employee_part",
        "day",
        "recorded_on",
        "takes_back",
    )
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint("kind in ('reported', 'paid', 'refunded')", name="kind"),
        UniqueConstraint("takes_back"),
        UniqueConstraint("source_key"),
        Index("ix_insurance_entries_person", "person_id", "month"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("insured_persons.person_id"))
    employer_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[Word]
    month: Mapped[int] = mapped_column(Integer)
    scheme: Mapped[Small]
    employer_part: Mapped[Big]
    employee_part: Mapped[Big]
    day: Mapped[DayText]
    recorded_on: Mapped[DayText]
    takes_back: Mapped[Hex32 | None] = mapped_column(ForeignKey("insurance_entries.id"))
    source_key: Mapped[Hex64 | None]
    created_at: Mapped[Seconds]


class FindingState(Bound, Base):
    """What became of a finding of the compliance report. ``finding_key`` is the keyed hash of its key.

    ``month`` is set where the finding is about one; a contested month makes no lapse. ``body`` has the answers, sealed.
    """

    __tablename__ = "insurance_findings"
    bound = ("person_id", "finding_key", "employer_id", "month", "state")
    bound_since = "0017"
    __table_args__ = (
        CheckConstraint("state in ('open', 'explained', 'contested', 'settled', 'closed')", name="state"),
        UniqueConstraint("person_id", "finding_key"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("insured_persons.person_id"))
    finding_key: Mapped[Hex64]
    employer_id: Mapped[Hex32] = mapped_column(ForeignKey("organisations.id"))
    month: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[Word]
    body: Mapped[bytes] = sealed()
    revision: Mapped[Big] = mapped_column(BigInteger)
    changed_at: Mapped[Seconds]


class Recomputation(Base):
    """A region that is computed again, and how far that is. Sums in fen; nothing of a person but the last one's id.

    ``change_id``: of the change of a rule that asked for it. ``position``: the last person who was looked at.
    """

    __tablename__ = "insurance_recomputations"
    __table_args__ = (
        CheckConstraint("state in ('waiting', 'running', 'done')", name="state"),
        UniqueConstraint("change_id"),
        Index("ix_insurance_recomputations_state", "state", "asked_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6))
    rule: Mapped[str | None] = mapped_column(String(200))
    change_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("rule_changes.id"))
    state: Mapped[Word]
    position: Mapped[Hex32]
    done: Mapped[Big]
    people: Mapped[Big]
    lapsed: Mapped[Big]
    restored: Mapped[Big]
    employer_difference: Mapped[Big]
    employee_difference: Mapped[Big]
    asked_at: Mapped[Seconds]
    ended_at: Mapped[Seconds | None]


class HeirAccess(Bound, Base):
    """A near relative may see the record of somebody who died, until ``ends_at``."""

    __tablename__ = "heir_accesses"
    bound = ("person_id", "heir_person_id", "relation", "given_at", "ends_at")
    __table_args__ = (Index("ix_heir_accesses_heir", "heir_person_id", "ends_at"),)

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("insured_persons.person_id"))
    heir_person_id: Mapped[Hex32] = mapped_column(ForeignKey("persons.id"))
    relation: Mapped[Word]
    given_at: Mapped[Seconds]
    ends_at: Mapped[Seconds]


class BenefitClaim(Bound, Base):
    """A claim for a benefit. ``body`` has what was reported, found and decided, sealed; ``monthly`` in fen, months from
    1970-01.
    """

    __tablename__ = "benefit_claims"
    bound = (
        "person_id",
        "benefit",
        "state",
        "monthly",
        "first_month",
        "last_month",
        "stopped_on",
        "decided_by",
        "decided_at",
    )
    __table_args__ = (
        CheckConstraint("state in ('filed', 'granted', 'refused', 'withdrawn', 'stopped')", name="state"),
        Index("ix_benefit_claims_person", "person_id", "benefit", "state"),
        Index("ix_benefit_claims_state", "state", "id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("insured_persons.person_id"))
    benefit: Mapped[str] = mapped_column(String(80))
    state: Mapped[Word]
    body: Mapped[bytes] = sealed()
    filed_on: Mapped[DayText]
    due_on: Mapped[DayText | None]
    monthly: Mapped[int | None] = mapped_column(BigInteger)
    first_month: Mapped[int | None] = mapped_column(Integer)
    last_month: Mapped[int | None] = mapped_column(Integer)
    stopped_on: Mapped[DayText | None]
    stop_event: Mapped[Word | None]
    decided_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[Seconds | None]
    revision: Mapped[Big] = mapped_column(BigInteger)
    created_at: Mapped[Seconds]


class BenefitOrder(Bound, Base):
    """What is to be paid of a claim for a month, in fen; one for each month."""

    __tablename__ = "benefit_orders"
    bound = ("claim_id", "month", "amount", "state", "paid_on")
    __table_args__ = (
        CheckConstraint("state in ('ordered', 'paid', 'cancelled')", name="state"),
        UniqueConstraint("claim_id", "month"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    claim_id: Mapped[Hex32] = mapped_column(ForeignKey("benefit_claims.id"))
    month: Mapped[int] = mapped_column(Integer)
    amount: Mapped[Big]
    state: Mapped[Word]
    paid_on: Mapped[DayText | None]
    created_at: Mapped[Seconds]


class ServiceGrant(Bound, Base):
    """A service that a person's card grants, until ``withdrawn_at``."""

    __tablename__ = "service_grants"
    bound = ("person_id", "card_id", "service", "region", "consent_id", "granted_at", "withdrawn_at")
    __table_args__ = (
        Index("ix_service_grants_person", "person_id", "service"),
        Index("ix_service_grants_consent", "consent_id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("insured_persons.person_id"))
    card_id: Mapped[Hex32] = mapped_column(ForeignKey("cards.id"))
    service: Mapped[Word]
    region: Mapped[str] = mapped_column(String(6))
    consent_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("consents.id"))
    granted_by: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    granted_at: Mapped[Seconds]
    withdrawn_at: Mapped[Seconds | None]


class RefusalReport(Bound, Base):
    """A place that must take the card refused it. ``record`` has place, words and answer, sealed."""

    __tablename__ = "refusal_reports"
    bound = ("person_id", "service", "region", "day", "state", "decided_by", "decided_at")
    __table_args__ = (
        CheckConstraint("state in ('open', 'upheld', 'dismissed')", name="state"),
        Index("ix_refusal_reports_person", "person_id", "id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    person_id: Mapped[Hex32] = mapped_column(ForeignKey("insured_persons.person_id"))
    service: Mapped[Word]
    region: Mapped[str] = mapped_column(String(6))
    day: Mapped[DayText]
    record: Mapped[bytes] = sealed()
    state: Mapped[Word]
    decided_by: Mapped[Hex32 | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[Seconds | None]
    created_at: Mapped[Seconds]
