"""The endpoints, one module a subject; :data:`SUBJECTS` is their order."""

from . import cards, own_account, published, sessions, watch

__all__ = ["SUBJECTS"]

SUBJECTS = (sessions.endpoints, own_account.endpoints, cards.endpoints, published.endpoints, watch.endpoints)
