"""The pages, one module a subject."""

from . import account, admin, approvals, audit, cards, home, login, notices, officer, staff

__all__ = ["SUBJECTS"]

SUBJECTS = [
    subject.pages for subject in (home, login, account, notices, cards, staff, officer, approvals, audit, admin)
]
