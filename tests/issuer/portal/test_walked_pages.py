"""The lists of pages that the walks read: no page of the portal is missing from them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from issuer.portal.pages import Pages
from issuer.portal.subjects import SUBJECTS
from tests.kit.walked_pages import PAGES, STRANGERS, USERS, paths_of

#: Where the others are looked at.
ELSEWHERE: Mapping[str, str] = {
    "second-factor": "test_walks_browser.py: it needs a session that has begun",
    "filings/{}/form": "a PDF: test_application_form.py",
    "accounts/{}/passport": "test_admin_pages.py",
    "accounts/{}/no-passport": "test_admin_pages.py",
    "permits/{}/split": "test_person_mergers.py",
    "employers/{}/name": "test_employer_mergers.py",
    "employers/{}/code": "test_employer_codes.py",
    "lists/{}/refused": "a CSV file: test_batch_pages.py",
}


def shape(path: str) -> str:
    """A path without the names of what it is about."""
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0])


def test_each_page_is_walked_as_somebody() -> None:
    """A page that is added to the portal is added to a list, or named with the test that looks at it."""
    subjects: list[Pages] = SUBJECTS
    every = {shape(one.path) for subject in subjects for one in subject.all if one.method == "GET"}
    walked = {shape(path) for role in PAGES for path in paths_of(role)} | {shape(path) for path in STRANGERS}
    assert every - walked - set(ELSEWHERE) == set()
    assert walked - every == set(), "a page that is gone"
    assert set(ELSEWHERE) <= every


def test_each_list_has_its_pages_once() -> None:
    for role, paths in PAGES.items():
        assert len(set(paths)) == len(paths), role
    assert set(USERS) <= set(PAGES)
