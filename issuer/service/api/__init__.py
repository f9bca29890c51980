"""The endpoints, one module a subject; :data:`SUBJECTS` is their order."""

from . import (
    accounts,
    cards,
    confirmations,
    mandates,
    organisations,
    own_account,
    published,
    sessions,
    tokens,
    watch,
)

__all__ = ["SUBJECTS"]

SUBJECTS = (
    sessions.endpoints,
    own_account.endpoints,
    tokens.endpoints,
    cards.endpoints,
    confirmations.endpoints,
    accounts.endpoints,
    organisations.endpoints,
    mandates.endpoints,
    published.endpoints,
    watch.endpoints,
)
