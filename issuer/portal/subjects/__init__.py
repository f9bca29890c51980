"""The pages, one module a subject."""

from . import (
    account,
    admin,
    approvals,
    audit,
    cards,
    desk,
    endings,
    entries,
    filings,
    home,
    insurance,
    login,
    notices,
    objections,
    officer,
    offices,
    permits,
    registration,
    rules,
    staff,
    webhooks,
)

__all__ = ["SUBJECTS"]

SUBJECTS = [
    subject.pages
    for subject in (
        *(home, login, account, notices, cards, staff, officer, approvals, audit, admin),
        # registration before insurance: "register" is no person's id.
        *(filings, permits, endings, entries, desk, registration, insurance, rules, offices, webhooks, objections),
    )
]
