"""The endpoints, one module a subject; :data:`SUBJECTS` is their order."""

from . import cards, own_account, sessions, watch

__all__ = ["SUBJECTS"]

SUBJECTS = (sessions.endpoints, own_account.endpoints, cards.endpoints, watch.endpoints)
