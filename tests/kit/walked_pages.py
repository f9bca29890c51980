"""Which pages of the portal are walked, and as whom; a page that is nowhere here is found out by a test."""

from __future__ import annotations

from issuer.permits.processes import MACHINES

__all__ = ["COMMON", "MORE", "PAGES", "STATES", "STRANGERS", "USERS", "paths_of"]

#: What only programs call a state: those of the machines, and of the schemes of insurance.
STATES = {state for machine in MACHINES.values() for state in machine.states if state.isupper()}
STATES |= {"ENROLLED", "EXEMPT", "SUSPENDED", "TERMINATED", "not_eligible", "not_enrolled", "no_rule"}

#: Pages by role, with those that everybody has last.
PAGES: dict[str, tuple[str, ...]] = {
    "holder": (
        "",
        "cards/{card}?code=work",
        "cards/{card}/whole",
        "cards/{card}/lookups",
        "cards",
        "cards/{card}/lost",
        "lookups",
    ),
    "resident": (
        *("", "permits", "insurance", "what-if", "privacy", "privacy/requests", "privacy/requests/{request}"),
        *("privacy/requests/new?topic=permit&fact=position", "privacy/requests/new", "privacy/consents"),
        *("privacy/consents/new", "privacy/consents/new?purpose=service", "privacy/kept", "benefits"),
        *("benefits/apply?benefit=medical", "benefits/claims/{claim}", "services", "services/refusals"),
        "services/refusals/new",
        *("permits/{permit}/statement", "permits/{permit}/left", "entries", "permits/{permit}/social-card"),
        *("insurance/{insured}/leave?choice=keep", "insurance/{insured}/leave?choice=pay_out"),
        "insurance/{insured}/moving",
    ),
    "newcomer": ("", "permits", "entries/{entry}", "permits/{arrived}/social-card", "insurance", "objections"),
    "beijinger": ("", "insurance", "services", "services/refusals", "services/refusals/{refusal}"),
    "employer": (
        "",
        "staff",
        "cards/{other}",
        "organisation",
        "mandates",
        "mandates/new",
        "mandates/{mandate}",
        "mandates/{mandate}/end",
        "account/tokens",
        "account/calendar",
    ),
    "applicant": (
        *("filings", "filings/new", "filings/{draft}", "filings/{draft}/edit?part=person"),
        *(
            "filings/{draft}/edit?part=facts",
            "filings/{draft}/paper?material=M04",
            "filings/{draft}/paper?material=M08",
            "filings/{returned}",
        ),
        *("filings/{returned}/paper?material=M04", "filings/{refused}", "filings/{filing}/withdraw", "permits"),
        *("permits/{permit}", "insurance", "insurance/{insured}", "insurance/{insured}/end", "insurance/register"),
        *(
            "insurance/register-many",
            "insurance/contributions",
            "lists",
            "lists/{list}",
            "permits/many?do=extension",
            "permits/many?do=cancellation",
        ),
        *("objections/new?filing={refused}", "objections", "objections/{objection}"),
        *("filings/{approved}", "filings/{approved}/notification", "entries", "entries/{entry}"),
    ),
    "agency": ("", "staff", "mandates", "mandates/{mandate}", "insurance", "permits", "filings", "lists"),
    "permit_officer": (
        "",
        "search",
        "cards/{card}",
        "cards/{card}/revoke",
        "cards/{card}/suspend",
        "confirmations",
        *("cards/{suspended}/resume", "cards/{card}/replace", "cards/{card}/renew"),
        *("cards/{card}/permit-suspended", "cards/{card}/permit-good"),
        "confirmations/{request_to_revoke}",
    ),
    "desk": (
        *("queue", "filings/{filing}", "filings/{filing}/return", "filings/{filing}/check?material=M04", "activate"),
        *("filings/{filing}/pre-review", "filings/{accepted}/approve", "filings/{accepted}/refuse"),
        *("privacy/requests", "privacy/requests/{request}", "privacy/requests/{request}/decide?outcome=done"),
        *("slots", "slots/{slot}", "permits/{permit}/hearing", "permits/{permit}/end"),
        *(
            "permits/{permit}/account",
            "permits/{permit}/merge",
            "filings/{filing}/accept",
            "permits/{permit}/social-card",
        ),
        *("filings/{accepted}/pause", "filings/{paused}", "filings/{paused}/resume", "filings/{refused}/deliver"),
        *("entries", "entries/{entry}", "employers/{organisation}/merge", "permits/{arrived}"),
    ),
    "confirming": ("", "confirmations", "confirmations/{request_to_revoke}"),
    "office_head": (
        *("", "queue", "load", "filings/{accepted}/prolong", "objections", "objections/{objection}"),
        "filings/{accepted}/transfer",
        *("objections/{objection}/decide?act=admit", "objections/{objection}/decide?act=dismiss", "confirmations"),
    ),
    "insurance_officer": (
        *(
            "",
            "cards/{card}",
            "cards/{card}/insurance-lapsed",
            "cards/{card}/insurance-good",
            "insurance",
            "insurance/{insured}",
        ),
        *("insurance/{insured}/heirs", "insurance/{insured}/services", "benefits", "benefits/claims/{claim}"),
        "insurance/{insured}/moving",
        *("benefits/claims/{claim}/decide?outcome=granted", "services/refusals"),
        "services/refusals/{refusal}",
    ),
    "inspector": (
        *("", "search", "cards/{card}?purpose=inquiry", "cards/{card}/history", "lookups/deferrals"),
        "lookups/deferrals/new",
    ),
    "auditor": ("", "audit", "audit/checkpoints", "service", "lookups/deferred"),
    "administrator": (
        "",
        "accounts",
        "accounts/new",
        "organisations",
        "organisations/new",
        "mandates",
        "outbox",
        *("accounts/{account}", "accounts/{account}/lock", "accounts/{account}/unlock", "accounts/{account}/close"),
        *("accounts/{account}/end-sessions", "accounts/{account}/reset", "organisations/{organisation}"),
        *("organisations/{organisation}/close", "confirmations", "confirmations/{request_for_account}"),
    ),
    "ruling": (
        *("rules", "rules?kind=deadlines", "rules/rule?name=deadlines/D06/CN/2018-02-28", "offices", "offices/new"),
        *("rules/add?like=deadlines/D06/CN/2018-02-28", "rules/end?name=deadlines/D06/CN/2018-02-28"),
        *("offices/{office}", "account/webhooks", "account/webhooks/{webhook}"),
    ),
    "second_administrator": ("confirmations/{request_for_account}",),
}
#: Who walks pages that stand under another name than a role's.
USERS = {
    "applicant": "employer",
    "desk": "permit_officer",
    "ruling": "administrator",
    "confirming": "second_permit_officer",
}
COMMON = ("account", "account/password", "account/contact", "account/second-factor", "account/sessions")
MORE = ("account/recovery-codes", "account/notices", "notices", "help", "privacy", "accessibility")
#: Pages for whoever is not logged in.
STRANGERS = (
    "log-in",
    "log-in?next=/portal/notices",
    "invitations/",
    "help",
    "privacy",
    "privacy/kept",
    "accessibility",
)


def paths_of(role: str) -> tuple[str, ...]:
    """The pages of a role, with those that everybody has."""
    return (*PAGES[role], *COMMON, *MORE) if role in ("holder", "administrator") else PAGES[role]
