"""What social insurance is for, told over HTTP by its roles: employer, officer, inspector and the person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy.orm import Session

from issuer.accounts.models import Account
from issuer.rules.store import add_rules
from issuer.service.app import make_service
from tests.issuer.insurance.test_claims import SUBSIDY
from tests.issuer.insurance.test_registration import BY
from tests.kit.callers import Caller, by_session
from tests.kit.insured import registration_body
from tests.kit.people import ServiceUnderTest, Somebody, credit_code, make, new_service_under_test, organisation
from verifier.runtime.http import Drain

pytestmark = pytest.mark.slow

CODE = credit_code(1)
#: Seconds for which a session is used again.
_SESSION = 1200.0
FOUR = ("pension", "medical", "unemployment", "work_injury")


class Town:
    """An employer, an officer and an inspector of a service without cards, whose clock goes forward."""

    def __init__(self, folder: Path, day: str) -> None:
        self.issuing_service: ServiceUnderTest = new_service_under_test(
            folder, f"sqlite:///{folder / 'issuer.db'}", account_burst=10_000
        )
        self.issuing_service.clock.at = 0.0
        self.go(day)
        self.app = make_service(self.issuing_service.core, Drain())
        firm = organisation(self.issuing_service, "employer", 1)
        self.employer = make(self.issuing_service, "employer", "employer.one", organisation_id=firm)
        self.officer = make(self.issuing_service, "insurance_officer", "officer.one")
        self.inspector = make(self.issuing_service, "inspector", "inspector.one")
        self.number = 0
        self._callers: dict[str, tuple[Caller, float]] = {}

    def go(self, day: str) -> None:
        """It is ten in the morning of that day in Beijing, or later."""
        morning = datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
        self.issuing_service.clock.at = max(self.issuing_service.clock.at, morning.astimezone(UTC).timestamp())

    def ask(self, who: Somebody, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request, a second after the one before, in a session of the last twenty minutes or a new one."""
        self.issuing_service.later(1)
        caller, at = self._callers.get(who.account_id, (None, 0.0))
        if caller is None or self.issuing_service.clock.at - at > _SESSION:
            caller = by_session(self.app, who.enter())
            self._callers[who.account_id] = caller, self.issuing_service.clock.at
        return caller(method, path, body)

    def ok(self, who: Somebody, method: str, path: str, body: Any = None) -> Any:
        """A request that has to succeed; its answer."""
        answer = self.ask(who, method, path, body)
        assert answer.is_success, (path, answer.text)
        return answer.json() if answer.content else None

    def registered(self, **changes: Any) -> str:
        """Somebody whom the employer registers; the path of their insurance."""
        self.number += 1
        body = registration_body(self.number, **changes)
        made = self.ok(self.employer, "POST", "/v1/insurance/registrations", body)
        return f"/v1/insurance/people/{made['person_id']}"

    def certificate(self, path: str, country: str, first: str, last: str, **changes: Any) -> tuple[str, str]:
        """The answer to a certificate that the employer hands in."""
        body = {"country": country, "number": f"{country}-{first}", "schemes": ["pension", "unemployment"],
                "first": first, "last": last, "surname": "Muster", "given": "Erika", **changes}  # fmt: skip
        answer = self.ok(self.employer, "POST", f"{path}/certificates", body)
        assert set(answer["text"]) == {"en", "zh"}
        return answer["outcome"], answer["reason"]

    def pay(self, path: str, *months: str, schemes: tuple[str, ...] = FOUR, **changes: str) -> None:
        """An officer's program writes payments."""
        number = self.ok(self.officer, "GET", path)["number"]
        today = datetime.fromtimestamp(self.issuing_service.clock.at, ZoneInfo("Asia/Shanghai")).date().isoformat()
        rows = [{"number": number, "employer_code": CODE, "kind": "paid", "month": month, "scheme": scheme,
                 "employer_part": "4800.00", "employee_part": "2400.00", "day": today, **changes}
                for month in months for scheme in schemes]  # fmt: skip
        self.ok(self.officer, "POST", "/v1/insurance/contributions", {"rows": rows})

    def report(self, path: str, as_of: str, known_on: str | None = None) -> dict[str, Any]:
        """The inspector's report."""
        later = f"&known_on={known_on}" if known_on else ""
        found: dict[str, Any] = self.ok(self.inspector, "GET", f"{path}/compliance?as_of={as_of}{later}")
        return found

    def schemes(self, path: str) -> dict[str, str]:
        """The state of each scheme."""
        found: dict[str, str] = self.ok(self.officer, "GET", path)["schemes"]
        return found

    def holder(self, path: str) -> Somebody:
        """The person's own account."""
        holder = make(self.issuing_service, "holder", f"holder.{self.number}")

        def bind(session: Session) -> None:
            session.get_one(Account, holder.account_id).person_id = path.rpartition("/")[2]

        self.issuing_service.core.database.transact(bind)
        return holder


@pytest.fixture
def town(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    made = Town(tmp_path, getattr(request, "param", "2026-11-29"))
    yield made
    made.issuing_service.core.close()


def month(found: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The line of a month."""
    (line,) = (dict(one) for one in found["months"] if one["month"] == wanted)
    return line


def late_registrations(found: dict[str, Any]) -> list[str]:
    """What the findings of late registration say, in the order of their last days."""
    return sorted(one["text"]["en"] for one in found["findings"] if one["kind"] == "late_registration")


def kinds(found: dict[str, Any]) -> set[str]:
    return {one["kind"] for one in found["findings"]}


def test_certificates_of_seven_people_are_taken_or_refused_with_their_reasons(town: Town) -> None:
    """A German to 96 months and not beyond, a Korean local hire, a Japanese, a Kyrgyz on both days, a Frenchman."""
    german = town.registered(began="2021-12-01", obtained="2021-12-01", basis_until=None)
    assert town.certificate(german, "DEU", "2021-12-01", "2026-11-30") == ("accepted", "certificate_accepted")
    assert {name for name, state in town.schemes(german).items() if state == "EXEMPT"} == {"pension", "unemployment"}
    # Medical insurance is due all the same, and lapses.
    assert town.ok(town.officer, "GET", german)["state"] == "lapsed"
    months = [f"{year}-{number:02d}" for year in range(2021, 2027) for number in range(1, 13)][11:-1]
    town.pay(german, *months, schemes=("medical", "work_injury"))
    assert town.ok(town.officer, "GET", german)["state"] == "good"
    # The sixty months end, and December 2026 is due; an extension exempts on.
    town.go("2026-12-02")
    assert town.schemes(german)["pension"] == "ENROLLED"
    more = town.certificate(german, "DEU", "2026-12-01", "2029-11-30", extension=True)
    assert more == ("accepted", "certificate_accepted")
    assert town.schemes(german)["pension"] == "EXEMPT"
    beyond = town.certificate(german, "DEU", "2029-12-01", "2030-11-30", extension=True)
    assert beyond == ("refused", "certificate_too_long")

    korean = town.registered(nationality="KOR", passport_state="KOR")
    assert town.certificate(korean, "KOR", "2026-03-01", "2031-02-28", group="local_hire")[0] == "accepted"
    again = town.certificate(korean, "KOR", "2031-03-01", "2032-02-29", group="local_hire", extension=True)
    assert again == ("refused", "certificate_too_long")

    japanese = town.registered(nationality="JPN", passport_state="JPN")
    assert town.certificate(japanese, "JPN", "2026-03-01", "2031-02-28")[0] == "accepted"
    assert {name for name, state in town.schemes(japanese).items() if state == "EXEMPT"} == {"pension"}

    kyrgyz = town.registered(nationality="KGZ", passport_state="KGZ", began="2025-01-01", obtained="2025-01-01")
    assert town.certificate(kyrgyz, "KGZ", "2025-01-01", "2025-10-13") == ("refused", "treaty_later")
    assert town.certificate(kyrgyz, "KGZ", "2025-01-01", "2026-12-31") == ("accepted", "certificate_uncertain")
    found = town.report(kyrgyz, "2026-12-02")
    assert (month(found, "2025-10")["exempt"], month(found, "2025-11")["exempt"]) == ([], ["pension"])

    french = town.registered(nationality="FRA", passport_state="FRA")
    assert town.certificate(french, "FRA", "2026-03-01", "2031-02-28") == ("refused", "treaty_not_in_force")
    other = town.certificate(french, "DEU", "2026-03-01", "2031-02-28", surname="Other")
    assert other == ("refused", "certificate_name")
    assert "EXEMPT" not in town.schemes(french).values()


def test_what_was_due_in_shanghai_depends_on_day_agreement_age_and_basis(town: Town) -> None:
    """2020 and 2022 with and without an agreement; a man of 61; a permanent resident without a permit."""
    days = {"began": "2020-01-01", "obtained": "2020-01-01", "basis_until": None}
    three = ["pension", "medical", "work_injury"]
    for agreed in ([], [*three, "unemployment", "maternity"]):
        path = town.registered(**days, agreed=agreed)
        found = town.report(path, "2022-09-01", "2026-11-29")
        before, after = month(found, "2020-05"), month(found, "2022-05")
        assert before["due"] == (three if agreed else [])
        assert len(before["due"]) + len(before["disputed"]) == 5
        assert len(after["due"]) == 5
        assert "disputed" in kinds(found)
        # By what was known then nothing was on record.
        assert town.report(path, "2022-09-01")["months"] == []

    old = town.registered(born="1965-03-01", sex="male")
    assert set(town.schemes(old).values()) == {"not_eligible"}
    assert town.ok(town.officer, "GET", old)["state"] == "good"

    resident = town.registered(basis="permanent_residence", basis_until=None)
    assert set(town.schemes(resident).values()) == {"ENROLLED"}
    # Without a permit the clock of work alone runs.
    assert len(late_registrations(town.report(resident, "2026-11-29"))) == 1


@pytest.mark.parametrize("town", ["2011-12-20"], indirect=True)
def test_grace_of_2011_limits_of_2021_and_a_late_registration_of_2022(town: Town) -> None:
    """Who joined on 20 December 2011 and on 5 January 2012; the limits of July 2021, announced on 9 July; permit on
    3 January, work on 28 January, registered on 10 March 2022."""
    for kind, name, value in (
        ("insurance_rates", "pension", {"employer": "0.2", "employee": "0.08"}),
        ("insurance_limits", "base", {"floor": "1000", "cap": "10000"}),
    ):
        row = {"kind": kind, "id": name, "region": "440300", "valid_from": "2011-01-01", "valid_to": None,
               "published_on": None, "value": value, "source": "a test", "certainty": "J"}  # fmt: skip
        add_rules(town.issuing_service.core, [row], BY)
    days = {"began": "2010-01-01", "obtained": "2010-01-01", "basis_until": None, "region": "440300",
            "wage": "10000.00", "injury_rate": None}  # fmt: skip
    paths = []
    for day in ("2011-12-20", "2012-01-05"):
        town.go(day)
        path = town.registered(**days)
        both = {"employer_part": "2000.00", "employee_part": "800.00"}
        town.pay(path, "2011-10", "2011-11", schemes=("pension",), **both)
        paths.append(path)
    fees = [
        [one["late_fee"] for one in town.report(path, "2012-01-05")["findings"]
         if one["month"] == "2011-10" and one["late_fee"]]
        for path in paths
    ]  # fmt: skip
    # From 15 October on: 82 days of 2,800.00 at 0.05 %.
    assert fees == [[], ["114.80"]]

    town.go("2022-03-10")
    body = {"obtained": "2022-01-03", "began": "2022-01-28", "wage": "10000.00", "injury_rate": "0.0016"}
    third = town.registered(**body, basis_until=None)
    town.go("2022-04-15")
    found = town.report(third, "2022-04-15")
    permit, work = late_registrations(found)
    assert ("2 February 2022" in permit, "27 February 2022" in work) == (True, True)
    # Registered from the month in which work began: what was not paid is owed, and a late fee runs.
    owed = {one["month"]: one["owed"] for one in found["findings"] if one["kind"] in ("uncovered", "unpaid")}
    assert owed["2022-01"] == owed["2022-02"] == "3766.00"
    assert float(found["late_fees"]) > 0
    assert all(one["rules"] for one in found["findings"] if one["kind"] != "no_rule_known")


def test_who_leaves_is_paid_out_who_keeps_returns_and_draws_and_heirs_are_paid(town: Town) -> None:
    leaver, dead = town.registered(), town.registered()
    eight = tuple(f"2026-{number:02d}" for number in range(3, 11))
    for path in (leaver, dead):
        town.pay(path, *eight, schemes=("pension",))
    town.ok(town.employer, "POST", f"{leaver}/end", {"day": "2026-10-31"})
    holder = town.holder(leaver)
    choices = {one["choice"]: one for one in town.ok(holder, "GET", f"{leaver}/leaving")}
    assert set(choices) == {"keep", "pay_out"}
    pay_out = {"choice": "pay_out", "signed": True}
    assert town.ask(town.employer, "POST", f"{leaver}/leaving", pay_out).status_code == 403
    town.ok(holder, "POST", f"{leaver}/leaving", pay_out)
    assert town.ask(holder, "POST", f"{leaver}/leaving", pay_out).json()["code"] == "insurance.chosen"

    # A woman born in 1968 who left in 2019 after 98 months, and has paid 82 more since: fifteen years.
    about = {"region": "110105", "born": "1968-01-01", "obtained": "2011-11-01", "basis_until": None}
    keeper = town.registered(**about, began="2011-11-01")
    months = [f"{year}-{number:02d}" for year in range(2011, 2027) for number in range(1, 13)][10:-2]
    town.pay(keeper, *months[:98], schemes=("pension",))
    town.ok(town.employer, "POST", f"{keeper}/end", {"day": "2019-12-31"})
    stays = town.holder(keeper)
    town.ok(stays, "POST", f"{keeper}/leaving", {"choice": "keep", "signed": True})
    town.number -= 1
    assert town.registered(**about, began="2020-01-01") == keeper
    town.pay(keeper, *months[98:-1], schemes=("pension",))
    lacks = town.ok(stays, "POST", f"{keeper}/benefits/pension", {})
    assert {"missing"} == {one["state"] for one in lacks["conditions"] if "180" in one["text"]["en"]}
    town.pay(keeper, months[-1], schemes=("pension",))
    drawn = town.ok(stays, "POST", f"{keeper}/benefits/pension", {})
    assert {one["state"] for one in drawn["conditions"]} == {"met"}
    assert [
        (one["scheme"], one["months"]) for one in town.ok(stays, "GET", f"{keeper}/yearly-statement")["schemes"]
    ] == [("pension", 10)]

    town.ok(town.officer, "POST", f"{dead}/death", {"day": "2026-10-15"})
    (heirs,) = town.ok(town.officer, "GET", f"{dead}/leaving")
    assert heirs["choice"] == "death"
    town.ok(town.officer, "POST", f"{dead}/leaving", {"choice": "death", "signed": True})
    late = town.ask(town.officer, "POST", "/v1/insurance/contributions", {"rows": [
        {"number": "DEU000000C00000002", "employer_code": CODE, "kind": "paid", "month": "2026-11",
         "scheme": "pension", "employer_part": "1.00", "employee_part": "1.00", "day": "2026-11-29"}]})  # fmt: skip
    assert late.json()["code"] == "insurance.entry_no_work"


def test_subsidy_is_refused_at_11_paid_months_and_granted_at_12(town: Town) -> None:
    test = {"test": "months_paid", "scheme": "unemployment", "at_least": 12}
    value = {**SUBSIDY["value"], "conditions": [test], "months": [[12, 3]]}  # type: ignore[dict-item]
    add_rules(town.issuing_service.core, [{**SUBSIDY, "value": value}], BY)
    path = town.registered(began="2025-11-01", obtained="2025-11-01", basis_until=None)
    holder = town.holder(path)
    months = ["2025-11", "2025-12", *(f"2026-{number:02d}" for number in range(1, 10))]
    town.pay(path, *months, schemes=("unemployment",))
    grant = {"outcome": "granted", "reasons": "All is met.", "monthly": "1975.00", "first_month": "2026-11"}

    def claimed() -> str:
        told = {"benefit": "subsidy.training", "words": "Please."}
        return f"/v1/insurance/claims/{town.ok(holder, 'POST', f'{path}/claims', told)['claim_id']}"

    claim = claimed()
    assert town.ask(town.officer, "POST", f"{claim}/decide", grant).json()["code"] == "claim.not_eligible"
    town.ok(town.officer, "POST", f"{claim}/decide", {"outcome": "refused", "reasons": "Eleven of twelve."})
    assert [one["way"] for one in town.ok(holder, "GET", claim)["redress"]] == ["reconsideration", "court"]
    town.pay(path, "2026-10", schemes=("unemployment",))
    claim = claimed()
    town.ok(town.officer, "POST", f"{claim}/decide", grant)
    shown = town.ok(holder, "GET", claim)
    assert (shown["state"], [one["state"] for one in shown["orders"]]) == ("granted", ["ordered"])
    (order,) = shown["orders"]
    town.ok(town.officer, "POST", f"{claim}/orders/{order['order_id']}/paid", {"day": "2026-11-28"})
    assert town.ok(holder, "GET", claim)["orders"][0]["state"] == "paid"


@pytest.mark.parametrize("town", ["2026-09-04"], indirect=True)
def test_limit_announced_in_september_for_july_is_owed_apart_and_makes_no_lapse(town: Town) -> None:
    """July was paid in time by the old cap; what the new one adds is owed from the end of October on, not before."""
    old = {"valid_from": "2020-01-01", "valid_to": "2026-06-30", "published_on": "2020-01-01", "ended_on": "2026-09-10"}
    new = {"valid_from": "2026-07-01", "valid_to": None, "published_on": "2026-09-10"}
    rate = {"valid_from": "2020-01-01", "valid_to": None, "published_on": "2020-01-01"}
    for kind, name, days, value in (
        ("insurance_rates", "pension", rate, {"employer": "0.1", "employee": "0.05"}),
        ("insurance_limits", "base", old, {"floor": "5000", "cap": "25000"}),
    ):
        row = {"kind": kind, "id": name, "region": "440300", "value": value, "source": "a test", "certainty": "S"}
        add_rules(town.issuing_service.core, [{**row, **days}], BY)
    path = town.registered(region="440300", began="2026-07-01", obtained="2026-07-01", injury_rate=None)
    town.pay(path, "2026-07", schemes=("pension",), employer_part="2500.00", employee_part="1250.00")
    others = ("medical", "unemployment", "work_injury", "maternity")
    town.pay(path, "2026-07", "2026-08", schemes=others)
    town.go("2026-09-11")
    row = {"kind": "insurance_limits", "id": "base", "region": "440300", "value": {"floor": "5000", "cap": "28000"}}
    add_rules(town.issuing_service.core, [{**row, **new, "source": "a test", "certainty": "S"}], BY)
    by_new = {"employer_part": "2800.00", "employee_part": "1400.00"}
    town.pay(path, "2026-08", "2026-09", schemes=("pension",), **by_new)
    town.pay(path, "2026-09", schemes=others)
    town.go("2026-11-15")
    town.pay(path, "2026-10", schemes=("pension",), **by_new)
    town.pay(path, "2026-10", schemes=others)
    assert "underpaid" not in kinds(town.report(path, "2026-10-30"))
    found = town.report(path, "2026-11-15")
    late = {one["month"]: one["owed"] for one in found["findings"] if one["kind"] == "underpaid"}
    assert late == {"2026-07": "450.00"}
    assert town.ok(town.officer, "GET", path)["state"] == "good"
    # What was reported for an old day stays as it was.
    assert "underpaid" not in kinds(town.report(path, "2026-09-30"))


def test_who_moves_to_another_region_keeps_what_the_law_carries_over(town: Town) -> None:
    """Months of pension add up over two regions, those of work injury start again, each with its article; after a
    payout those of pension start again too. The person and officials read it, no employer."""
    path = town.registered()
    town.pay(path, "2026-03", "2026-04", "2026-05")
    town.ok(town.employer, "POST", f"{path}/end", {"day": "2026-05-31"})
    town.number -= 1
    assert town.registered(region="440300", began="2026-06-01", injury_rate=None) == path
    town.pay(path, "2026-06")
    holder = town.holder(path)

    def moving() -> dict[str, tuple[str, int, int, int]]:
        found = town.ok(holder, "GET", f"{path}/moving")
        assert [(one["region"], one["months"]) for one in found["places"]] == [("440300", 1), ("310115", 3)]
        assert {one["employer"] for one in found["places"]} == {"Organisation 1"}
        rules = {one["scheme"]: [rule["source"] for rule in one["answer"]["rules"]] for one in found["schemes"]}
        assert ["art. 19" in rules["pension"][0], "art. 32" in rules["medical"][0]] == [True, True]
        return {
            one["scheme"]: (one["answer"]["outcome"], one["paid"], one["here"], one["there"])
            for one in found["schemes"]
        }

    assert moving() == {
        **dict.fromkeys(("pension", "medical", "unemployment"), ("carries_over", 4, 4, 4)),
        "work_injury": ("starts_again", 4, 1, 0),
        "maternity": ("starts_again", 0, 0, 0),
    }
    for somebody in (town.officer, town.inspector):
        town.ok(somebody, "GET", f"{path}/moving")
    assert town.ask(town.employer, "GET", f"{path}/moving").status_code == 403
    stranger = make(town.issuing_service, "holder", "holder.other")
    assert town.ask(stranger, "GET", f"{path}/moving").status_code == 404
    town.ok(town.employer, "POST", f"{path}/end", {"day": "2026-06-30"})
    town.ok(holder, "POST", f"{path}/leaving", {"choice": "pay_out", "signed": True})
    assert moving()["pension"] == ("carries_over", 0, 0, 0)
