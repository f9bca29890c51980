"""Stories about applications through the pages: filed, returned once with everything, corrected, checked, decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page

from issuer.rules.days import day_of
from tests.kit.portal import Town, enter

OFFICE = True
pytestmark = pytest.mark.slow
Entering = Callable[..., Page]


@pytest.fixture
def entering(browser: Browser, served: Town) -> Iterator[Entering]:
    """Logs a person in, in a browser of their own, in English."""
    with ExitStack() as stack:

        def entered(role: str, path: str = "") -> Page:
            context = browser.new_context(locale="en-GB")
            stack.callback(context.close)
            page = context.new_page()
            enter(page, served, role)
            if path:
                page.goto(served.path(path))
            return page

        yield entered


def test_a_draft_is_filled_in_part_by_part_and_filing_names_everything_that_is_missing(entering: Entering) -> None:
    """Bad values are all named at their fields and stay typed; filing names each missing document with its rule."""
    page = entering("employer", "filings/new")
    page.get_by_role("button", name="Start draft").click()
    assert "Fill in this field" in page.inner_text(".field.wrong .error")
    page.get_by_label("Permit before entry").check()
    page.get_by_role("button", name="Start draft").click()
    page.get_by_role("link", name="Fill in Person and passport").click()
    page.fill("#f-surname", "NOWAK")
    page.select_option("#f-nationality", label="Poland")
    page.fill("#f-given", "X" * 80)
    page.fill("#f-passport", "!")
    page.get_by_role("button", name="Save").click()
    assert page.locator(".field.wrong").count() == 2
    assert page.input_value("#f-surname") == "NOWAK"
    assert page.input_value("#f-nationality") == "POL"
    page.fill("#f-given", "JAN")
    page.fill("#f-passport", "zs 0000177")
    page.get_by_role("button", name="Save").click()
    assert "Saved" in page.inner_text(".banner")
    assert "ZS0000177" in page.inner_text("main")
    page.get_by_role("button", name="Submit application").click()
    errors = page.inner_text(".summary-errors")
    assert "Date of birth" in errors
    assert "Passport page: A required document is missing." in errors
    page.locator(".summary-errors a", has_text="Passport page").click()
    assert page.locator("#f-M07:target").count() == 1


def test_one_return_with_three_defects_comes_back_corrected_and_is_approved(entering: Entering, served: Town) -> None:
    """The officer names three defects at once and is asked whether there is anything else; the employer finds each of
    them beside its field; what is not verified cannot be approved."""
    officer = entering("permit_officer", "queue")
    officer.get_by_role("link", name="TANAKA YUKI").click()
    officer.get_by_role("link", name="Return with defects").click()
    officer.get_by_role("button", name="Continue").click()
    assert "at least one defect" in officer.inner_text(".summary-errors")
    officer.locator('textarea[name="defect.M04"]').fill("Page 2 is missing.")
    officer.locator('textarea[name="defect.M06"]').fill("The contract is not signed.")
    officer.get_by_role("button", name="Continue").click()
    assert officer.inner_text("h1") == "Anything else?"
    officer.get_by_role("button", name="Add another").click()
    officer.locator('textarea[name="defect.post"]').fill("Say what is designed.")
    officer.get_by_role("button", name="Continue").click()
    officer.get_by_role("button", name="Return with 3 defects").click()
    assert "returned with all its defects" in officer.inner_text(".banner")

    employer = entering("employer")
    employer.locator(".due li", has_text="TANAKA YUKI").get_by_role("link", name="Correct it").click()
    assert employer.locator("#defects li").count() == 3
    employer.get_by_role("link", name="Fill in Work and dates").click()
    assert "Say what is designed." in employer.inner_text(".field.wrong .error")
    employer.fill("#f-post", "Design engineer, gearboxes")
    employer.get_by_role("button", name="Save").click()
    for code, title in (("M04", "Certificate of no criminal record"), ("M06", "Contract or appointment in Chinese")):
        employer.locator(f"#f-{code}").get_by_role("link").click()
        assert employer.inner_text("h1") == title
        assert "To be corrected" in employer.inner_text(".banner")
        if code == "M04":
            employer.fill("#f-issued", _days_ago(served, 5))
            employer.select_option("#f-issuing_state", label="Germany")
            employer.select_option("#f-way", "apostille")
            employer.fill("#f-authenticated_on", _days_ago(served, 4))
            employer.get_by_label("A Chinese translation is attached").check()
            employer.get_by_label("The translation bears the employer's seal").check()
        employer.get_by_role("button", name="Hand in").click()
    employer.get_by_role("button", name="Send corrected application").click()
    assert "was submitted" in employer.inner_text(".banner")

    officer.goto(served.path("filings/{filing}"))
    officer.get_by_role("link", name="Pass the pre-review").click()
    officer.get_by_role("button", name="Pass the pre-review").click()
    officer.get_by_role("link", name="Accept", exact=True).click()
    officer.get_by_role("button", name="Accept").click()
    officer.get_by_role("link", name="Approve").click()
    assert "8 documents are not verified" in officer.inner_text("main")
    assert officer.get_by_role("button", name="Approve").count() == 0
    officer.locator("main li a").first.click()
    officer.get_by_role("button", name="Verified").click()
    assert "Fill in this field" in officer.inner_text(".field.wrong .error")
    while "/check" in officer.url:
        officer.get_by_label("original seen").check()
        officer.get_by_role("button", name="Verified").click()
    officer.get_by_role("link", name="Approve").click()
    officer.get_by_role("button", name="Approve").click()
    assert "The application was approved." in officer.inner_text(".banner")
    employer.reload()
    employer.get_by_role("link", name="Notification for entry").click()
    token = employer.locator(".facts .code").nth(1).inner_text()
    number = employer.locator(".facts .code").first.inner_text()

    officer.goto(served.url + "activate")
    for field, value in {"notification": token, "surname": "TANAKA", "given": "YUKO", "number": number}.items():
        officer.fill(f"#f-{field}", value)
    officer.get_by_label("I have compared").check()
    officer.get_by_role("button", name="Activate permit").click()
    assert "Name or permit number" in officer.inner_text(".summary-errors")
    assert officer.input_value("#f-given") == "YUKO"
    officer.fill("#f-given", "YUKI")
    officer.get_by_role("button", name="Activate permit").click()
    assert "In force" in officer.inner_text("main")


def _days_ago(served: Town, days: int) -> str:
    """A day in Beijing, as a field takes it."""
    return (day_of(int(served.issuing_service.clock.at)) - timedelta(days=days)).isoformat()


def test_an_applicant_reads_why_and_until_when(entering: Entering) -> None:
    """A refusal shows its reasons, and each way of redress with its last day and its rule."""
    page = entering("employer", "filings/{refused}")
    text = page.inner_text("main")
    assert "The medical report is not from the clinic that it names." in text
    assert "Application for administrative reconsideration" in text
    page.get_by_text("Which rule?").first.click()
    assert "Administrative Reconsideration Law" in page.inner_text("main")


def test_the_first_officer_takes_the_next_one_and_the_head_sees_by_whom(entering: Entering) -> None:
    """What is taken stays in the queue with a name, and is none of the free ones any more."""
    officer, head = entering("permit_officer", "queue"), entering("office_head")
    officer.get_by_role("button", name="Take next").click()
    name = officer.inner_text("h1")
    officer.get_by_role("link", name="Queue").first.click()
    row = officer.locator("tbody tr", has_text=name)
    assert "You" in row.inner_text()
    officer.get_by_role("link", name="Not taken").click()
    assert officer.locator("tbody tr", has_text=name).count() == 0
    head.get_by_role("link", name="Queue").first.click()
    head.get_by_role("link", name="Load").click()
    assert "Name of permit_officer-1" in head.inner_text("main")


def test_the_head_prolongs_once_with_a_reason_that_the_applicant_reads(entering: Entering, served: Town) -> None:
    head, employer = entering("office_head", "filings/{accepted}"), entering("employer", "filings/{accepted}")
    assert employer.get_by_role("link", name="Prolong the decision").count() == 0
    head.get_by_role("link", name="Prolong the decision").click()
    head.fill("#f-days", "40")
    head.fill("#f-reason", "An expert review is needed.")
    head.get_by_role("button", name="Prolong the decision").click()
    assert head.locator(".field.wrong #f-days").count() == 1
    head.fill("#f-days", "5")
    head.get_by_role("button", name="Prolong the decision").click()
    assert head.get_by_role("link", name="Prolong the decision").count() == 0
    employer.reload()
    assert "An expert review is needed." in employer.inner_text("main")


def test_what_if_files_nothing(entering: Entering, served: Town) -> None:
    """Category, points and dates are worked out, each with its rule, and no application appears."""
    page = entering("employer", "what-if")
    assert page.input_value("#f-region") == "Shanghai (310115)"
    page.fill("#f-age", "32")
    page.select_option("#f-education", "master")
    page.fill("#f-experience_years", "3")
    page.fill("#f-first", "2027-03-01")
    page.fill("#f-contract_until", "2028-02-29")
    page.get_by_role("button", name="Work it out").click()
    text = page.inner_text("#answer")
    assert "Category B" in text
    assert "29 February 2028" in text
    assert "the contract" in text
    page.goto(served.url + "filings?show=all")
    assert page.get_by_text("2027-03-01").count() == 0


def test_holder_reads_on_a_telephone_whose_turn_the_extension_is(browser: Browser, served: Town) -> None:
    """In two steps from the first page, above the fold: the day, whose turn it is, and the rule one tap away."""
    context = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
    page = context.new_page()
    enter(page, served, "resident")
    page.get_by_role("link", name="Permits").click()
    deadline = page.locator(".deadline").first
    box = deadline.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 844
    assert "Next step: the employer or its agency." in deadline.inner_text()
    deadline.get_by_text("Which rule?").click()
    assert "from 90 to 30 calendar days before" in deadline.inner_text()
    context.close()
