"""Requests made from the description of the service: schemathesis makes them, what a stranger cannot guess is put in.

A generated id, key or version would be refused at the door and nothing behind it be seen. :class:`Explorer` therefore
puts ids of objects that exist, passwords and codes that fit, cards that may be issued, into most of the requests, and
sends them as somebody who may, most of the time.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, TypeAlias

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from icard_crypto.errors import catalogue
from issuer.accounts.roles import ROLES
from issuer.publication.publish import publish
from issuer.service import app as application
from issuer.service import readiness
from issuer.service.api import SUBJECTS
from tests.kit.people import ServiceUnderTest
from tests.kit.population import Population
from verifier.runtime import http

__all__ = ["Explorer"]

AnyCase: TypeAlias = Case[Any]
BASE = "http://service.test"
#: Subjects whose people and papers this population has not: an application alone takes a dozen requests to be decided.
#: Their operations are tried here too, but what they find is not there. That each of them succeeds, with a type and a
#: body that the description names, tests/issuer/service/test_matrix.py shows.
UNPEOPLED = frozenset(
    {
        "All-in-one services",
        "Applications",
        "Benefits",
        "Calendar feeds",
        "Certificates",
        "Entries",
        "Files",
        "Hearings",
        "Insurance",
        "Insurance books and reports",
        "Leaving and death",
        "Lists",
        "Messages about applications",
        "Objections",
        "Offices",
        "Own data",
        "Permits",
        "The office's desk",
        "Social security cards",
    }
)
#: Far from where the people of these tests log in, so that guesses here keep nobody out there.
CLIENT = ("198.18.0.1", 1)
_CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance]
#: Requests that should succeed, of which one has to.
_TRIES = 6
_NASTY: tuple[Any, ...] = (
    *("", "\x00", "\ud800", "\u202e", "'; --", "..", "%00", "\r\nX: y", "\U0001f984" * 50, "9" * 300),
    *(None, True, -1, 2**63, 10**400, 1e308, [], {}, [[[[]]]], {"a": {"b": {}}}),
)


@dataclass
class Explorer:
    """A service full of people and objects, and what was seen of its operations.

    Attributes:
        entered: how often each operation's own code began.
        answers: how often each operation gave which status.
        faults: what was wrong, by operation; the first of its kind.
    """

    here: Population
    entered: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    faults: dict[str, str] = field(default_factory=dict)
    _http: httpx.AsyncClient = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    described: dict[str, Any] = field(init=False)
    schema: Any = field(init=False)
    _anew: bool = False

    @classmethod
    def begin(cls, issuing_service: ServiceUnderTest, patch: pytest.MonkeyPatch) -> Explorer:
        """A populated service; ``patch`` counts what is entered."""
        found = cls(Population.of(issuing_service))
        for subject in SUBJECTS:
            counted = [replace(one, function=found._counted(one.function, one)) for one in subject._all]
            patch.setattr(subject, "_all", counted)
        # The counting functions have routes of their own.
        patch.setattr(application, "_routes", application._routes.__wrapped__)
        # No worker runs here: nothing but what is asked happens to the database.
        patch.setattr(readiness, "trouble", lambda _jobs: None)
        app = application.make_app(issuing_service.core, http.Drain())
        found._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False, client=CLIENT), base_url=BASE, timeout=60
        )
        found._loop = asyncio.new_event_loop()
        found.described = found._ask("GET", "/openapi.json").json()
        found.schema = schemathesis.openapi.from_dict(found.described)
        return found

    def end(self) -> None:
        """Give everything back."""
        self._loop.run_until_complete(self._http.aclose())
        self._loop.close()

    def can_succeed(self, operation: Any) -> bool:
        """Whether the population has what the operation needs."""
        # Nothing is kept back by an inquiry here.
        deferred = operation.path.startswith("/v1/lookups/deferrals")
        # Nobody in the population handles a mandate.
        handled = "/handlers" in operation.path
        return not (deferred or handled) and not UNPEOPLED & set(operation.definition.raw["tags"])

    @property
    def operations(self) -> list[Any]:
        """Makers first, then those that look and change, then those that end something."""
        found = [each.ok() for each in self.schema.get_all_operations()]
        endings = ("close", "lock", "end", "refuse", "revoke", "drop", "role", "reset")

        def rank(operation: Any) -> int:
            raw = operation.definition.raw
            if operation.method.upper() == "POST" and "201" in raw["responses"]:
                return 0
            ends = operation.method.upper() == "DELETE" or operation.path.rpartition("/")[2] in endings
            return 2 if ends or "password" in operation.path or "totp" in operation.path else 1

        return sorted(found, key=rank)

    def explore(self, good: int, bad: int, *, anew: bool = False) -> None:
        """So many requests that fit the description to each operation, and so many that do not.

        Args:
            anew: others on every run.
        """
        self._anew = anew
        for operation in self.operations:
            self._succeed(operation)
            self._try(operation, GenerationMode.POSITIVE, good)
            self._try(operation, GenerationMode.NEGATIVE, bad)

    def _try(self, operation: Any, mode: GenerationMode, times: int) -> None:
        @settings(
            max_examples=times,
            derandomize=not self._anew,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), number=st.integers(0, 2**32 - 1))
        def tried(case: AnyCase, number: int) -> None:
            self._one(case, random.Random(number), mended=mode is GenerationMode.POSITIVE)

        try:
            tried()
        except Unsatisfiable:
            # An operation that takes nothing has nothing that does not fit.
            assert mode is GenerationMode.NEGATIVE, operation.label

    def _succeed(self, operation: Any) -> None:
        """Requests that should succeed, until one does."""
        for number in range(_TRIES):
            case = operation.Case(headers={}, query={}, path_parameters={}, media_type="application/json")
            chance = random.Random(number)
            headers, role = self._caller(operation, chance, sure=True)
            self._mend(case, role, chance, sure=True)
            if self._send(case, headers, role).is_success:
                return

    def _one(self, case: AnyCase, chance: random.Random, *, mended: bool) -> None:
        # What is put in is not held against the description: it need not fit.
        case.freeze_metadata()
        headers, role = self._caller(case.operation, chance, sure=False)
        if mended or chance.random() < 0.5:
            self._mend(case, role, chance, sure=False)
        self._send(case, headers, role)

    def _caller(self, operation: Any, chance: random.Random, *, sure: bool) -> tuple[dict[str, str], str]:
        """Who asks: mostly somebody who may. An empty role: nobody."""
        access = operation.definition.raw["x-access"]
        if access["asks"] == "anyone" and (sure or chance.random() < 0.9):
            return {}, "holder"
        rights = set(access["rights"])
        fit = [name for name, role in ROLES.items() if not rights or rights & role.rights]
        role = chance.choice(fit if sure or chance.random() < 0.85 else list(ROLES))
        if not sure and chance.random() < 0.03:
            return {}, role
        token = not sure and "token.own" in ROLES[role].rights and chance.random() < 0.2
        return self.here.headers(role, token=token, fresh=access["fresh_code"]), role

    def _mend(self, case: AnyCase, role: str, chance: random.Random, *, sure: bool) -> None:
        """Put in what a stranger cannot guess."""

        def likely(share: float) -> bool:
            return sure or chance.random() < share

        operation = case.operation
        raw = operation.definition.raw
        named = None
        for parameter in raw.get("parameters", ()):
            name = parameter["name"]
            if parameter["in"] == "path" and likely(0.85):
                value = self.here.path(operation.path, name, role, chance) or parameter["schema"].get("enum", [None])[0]
                if value is None and name not in case.path_parameters:
                    # Nothing here has that name: an id that fits and finds nothing.
                    value = "0" * 32
                if value is not None:
                    case.path_parameters[name] = named = value
            elif name == "cursor" and likely(0.7):
                case.query.pop(name, None)
            elif name == "Idempotency-Key" and likely(0.9):
                case.headers[name] = f"key-of-a-request-{self.here.number()}"
            elif name == "If-Match" and named is not None and likely(0.85):
                case.headers[name] = f'"{self.here.version(named) or 1}"'
        if "application/json" in raw.get("requestBody", {}).get("content", {}) and likely(0.8):
            case.body = self._body(case, role, chance, sure=sure)

    def _body(self, case: AnyCase, role: str, chance: random.Random, *, sure: bool) -> Any:
        """A body that does it; or that body with one value from the generated one, or with a nasty one."""
        label = f"{case.operation.method.upper()} {case.operation.path}"
        good = self.here.body(label, role, chance) or _least(self._schema_of(case.operation), self.described)
        if not sure and good and chance.random() < 0.5:
            name = chance.choice(list(good))
            if isinstance(case.body, dict) and name in case.body and chance.random() < 0.6:
                good[name] = case.body[name]
            else:
                _spoil(good, chance)
        return good

    def _schema_of(self, operation: Any) -> Any:
        return operation.definition.raw["requestBody"]["content"]["application/json"]["schema"]

    def _send(self, case: AnyCase, headers: dict[str, str], role: str) -> httpx.Response:
        label = f"{case.operation.method.upper()} {case.operation.path}"
        # The description's own credentials are generated too, and those of nobody end every request.
        case.headers.pop("Authorization", None)
        case.headers.update(headers)
        options = case.as_transport_kwargs(base_url=BASE)
        prepared = requests.Request(
            **{
                name: options[name]
                for name in ("method", "url", "headers", "params", "data", "json")
                if name in options
            }
        ).prepare()
        if case.operation.path == "/readyz":
            # What a worker would have published by now: a service whose changes wait is not ready.
            publish(self.here.issuing_service.core)
        answer = self._ask(prepared.method or "", prepared.url or "", _headers(prepared), prepared.body)
        self.answers[label][answer.status_code] += 1
        if answer.status_code == 401:
            self.here.forget(role)
        self._judge(label, case, answer)
        return answer

    def _judge(self, label: str, case: AnyCase, answer: httpx.Response) -> None:
        try:
            if answer.status_code >= 500:
                raise AssertionError(f"{answer.status_code}: {answer.text}")
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == http.PROBLEM_TYPE
            if answer.status_code >= 400 and case.method.upper() != "HEAD":
                assert answer.json()["code"] in catalogue()
                assert answer.json()["status"] == answer.status_code
            case.validate_response(answer, checks=_CHECKS)
        except (AssertionError, FailureGroup) as fault:
            sent = f"{case.method} {case.path_parameters} {case.query} {case.body!r}"
            self.faults.setdefault(label, f"{fault}\n{sent[:1000]}")

    def _ask(self, method: str, url: str, headers: dict[str, str] | None = None, body: Any = None) -> httpx.Response:
        return self._loop.run_until_complete(self._http.request(method, url, headers=headers, content=body))

    def _counted(self, function: Callable[..., Any], one: Any) -> Callable[..., Any]:
        @wraps(function)
        def entered(*arguments: Any, **options: Any) -> Any:
            self.entered[f"{one.method} {one.path}"] += 1
            return function(*arguments, **options)

        return entered


def _headers(prepared: requests.PreparedRequest) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else value.decode("latin-1") for name, value in prepared.headers.items()
    }


def _spoil(value: Any, chance: random.Random) -> None:
    """Put something nasty somewhere into a JSON value."""
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    place = chance.choice(places)
    if isinstance(value[place], dict | list) and value[place]:
        _spoil(value[place], chance)
    else:
        value[place] = chance.choice(_NASTY)


def _least(schema: Any, described: Any) -> Any:
    """The least value that fits a schema of this service."""
    if "$ref" in schema:
        found = described
        for part in schema["$ref"].split("/")[1:]:
            found = found[part]
        return _least(found, described)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _least(schema["anyOf"][0], described)
    match schema.get("type"):
        case "object":
            return {name: _least(schema["properties"][name], described) for name in schema.get("required", ())}
        case "array":
            return []
        case "boolean":
            return True
        case "integer":
            return schema.get("minimum", 0)
    return "why"
