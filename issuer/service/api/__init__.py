"""The endpoints, one module a subject; :data:`SUBJECTS` is their order."""

from . import (
    accounts,
    audit,
    cards,
    codes,
    confirmations,
    filings,
    lookups,
    mandates,
    notices,
    offices,
    organisations,
    outbox,
    own_account,
    permits,
    publication,
    published,
    sessions,
    tokens,
    watch,
    webhooks,
)

__all__ = ["SUBJECTS"]

SUBJECTS = (
    sessions.endpoints,
    own_account.endpoints,
    tokens.endpoints,
    cards.endpoints,
    codes.endpoints,
    lookups.endpoints,
    confirmations.endpoints,
    accounts.endpoints,
    organisations.endpoints,
    offices.endpoints,
    mandates.endpoints,
    filings.endpoints,
    permits.endpoints,
    notices.endpoints,
    webhooks.endpoints,
    outbox.endpoints,
    audit.endpoints,
    publication.endpoints,
    published.endpoints,
    watch.endpoints,
)
