"""The tables of notices: inboxes, the outbox, preferences and webhooks.

Promises:

1. A notice is in its account's inbox from the moment of its cause; what else is to be sent of it are rows of the
   outbox, one for each channel and webhook, written in the same transaction.
2. Facts, bodies, addresses and secrets are in sealed columns.
3. Who writes here holds no lock that acts on cards or accounts wait for: rows are only added, or changed by those who
   deliver them.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from issuer.db.base import Base, Big, Hex32, Seconds, Word, sealed
from issuer.db.bound import Bound

__all__ = ["NoticeMute", "NoticeRow", "Outbox", "Webhook"]


class NoticeRow(Bound, Base):
    """A notice in an account's inbox. ``facts`` are ids by name, JSON."""

    __tablename__ = "notices"
    bound = ("account_id", "kind")
    __table_args__ = (
        Index("ix_notices_account", "account_id", "created_at", "id"),
        Index("ix_notices_created", "created_at"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[Word]
    facts: Mapped[bytes] = sealed()
    created_at: Mapped[Seconds]
    read_at: Mapped[Seconds | None]


class Webhook(Bound, Base):
    """An address to which an account's notices are posted. ``secrets``: one, or two while they rotate."""

    __tablename__ = "webhooks"
    bound = ("account_id",)
    __table_args__ = (
        CheckConstraint("state in ('active', 'disabled')", name="state"),
        Index("ix_webhooks_account", "account_id"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    url: Mapped[bytes] = sealed()
    secrets: Mapped[bytes] = sealed()
    state: Mapped[Word]
    fault: Mapped[Word | None]
    version: Mapped[Big]
    created_at: Mapped[Seconds]
    changed_at: Mapped[Seconds]


class Outbox(Bound, Base):
    """What is to be sent of a notice over one channel, at least once.

    ``due_at`` is when it is tried next; whoever takes it to deliver moves that behind the time that it may need, and
    counts ``attempts`` up, so that of two only the later one's outcome is recorded. ``last_answer`` is the number that
    a mail or web server gave, ``give_up_at`` when a row that still waits becomes a dead letter.
    """

    __tablename__ = "outbox"
    bound = ("notice_id", "account_id", "kind", "channel", "webhook_id")
    __table_args__ = (
        CheckConstraint("state in ('waiting', 'sent', 'dead', 'dropped')", name="state"),
        CheckConstraint("channel in ('email', 'webhook')", name="channel"),
        CheckConstraint("(channel = 'webhook') = (webhook_id is not null)", name="webhook"),
        Index(
            "ix_outbox_due",
            "channel",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_outbox_state", "state", "created_at"),
        Index("ix_outbox_notice", "notice_id"),
        Index("ix_outbox_webhook", "webhook_id", "state"),
    )

    id: Mapped[Hex32] = mapped_column(primary_key=True)
    notice_id: Mapped[Hex32] = mapped_column(ForeignKey("notices.id"))
    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[Word]
    channel: Mapped[Word]
    webhook_id: Mapped[Hex32 | None] = mapped_column(ForeignKey("webhooks.id"))
    body: Mapped[bytes] = sealed()
    state: Mapped[Word]
    attempts: Mapped[int]
    last_fault: Mapped[Word | None]
    last_answer: Mapped[int | None]
    created_at: Mapped[Seconds]
    due_at: Mapped[Seconds]
    give_up_at: Mapped[Seconds]
    ended_at: Mapped[Seconds | None]


class NoticeMute(Base):
    """A kind of notice that an account does not want over a channel."""

    __tablename__ = "notice_mutes"

    account_id: Mapped[Hex32] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    channel: Mapped[Word] = mapped_column(primary_key=True)
