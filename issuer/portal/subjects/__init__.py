"""The pages, one module a subject."""

from . import (
    account,
    admin,
    application_form,
    approvals,
    audit,
    batches,
    benefits,
    calendars,
    cards,
    deferrals,
    desk,
    employer_mergers,
    endings,
    entries,
    filing_acts,
    filing_form,
    filing_papers,
    filings,
    holder_accounts,
    home,
    insurance,
    login,
    notices,
    objections,
    office_queue,
    officer,
    offices,
    own_data,
    own_requests,
    permits,
    registration,
    rules,
    services,
    social_cards,
    staff,
    webhooks,
    windows,
)

__all__ = ["SUBJECTS"]

SUBJECTS = [
    subject.pages
    for subject in (
        *(home, login, account, notices, cards, staff, officer, approvals, audit, admin),
        # batches before permits: "many" is no permit's id.
        *(
            batches,
            filings,
            filing_form,
            filing_papers,
            filing_acts,
            application_form,
            permits,
            endings,
            holder_accounts,
            entries,
        ),
        *(office_queue, desk),
        # registration before insurance: "register" is no person's id.
        *(
            registration,
            insurance,
            rules,
            offices,
            webhooks,
            objections,
            own_requests,
            own_data,
            benefits,
            services,
            deferrals,
            windows,
            calendars,
            social_cards,
            employer_mergers,
        ),
    )
]
