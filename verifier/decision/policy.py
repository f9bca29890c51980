"""What a check asks of a card: a :class:`Policy`, passed in by whoever checks.

Promises:

1. A policy that exists makes sense: every field is checked when it is made, whichever way.
2. A user's policy file is read strictly: an unknown field or value is refused with its path, never ignored.
3. The shipped policies are data, ``policies.json``; their names mean the same everywhere and cannot be taken.
4. A policy starts from ``gate``: what it leaves out is gate's. Only one whose name begins with ``unsafe_`` may take
   older lists than ``gate`` does, or none.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib import resources
from typing import Any, Final, Literal

from icard_crypto.card.card import Month, Scheme
from icard_crypto.card.fields import SERVICE_NUMBERS, SERVICES
from icard_crypto.encoding import strict_json
from icard_crypto.errors import Invalid
from icard_crypto.moments import DAY

__all__ = ["InsuranceNeed", "Policy"]

InsuranceNeed = Literal["not_needed", "as_of_issue", "live"]

_LOOSE: Final = "unsafe_"
_NO_SCHEME: Final = Scheme(0)
_BASE: Final = "base"
_NEEDS = ("not_needed", "as_of_issue", "live")
_LONGEST_AGE = 400 * DAY
"""No token lives longer than a trust list, 400 days: a larger limit would be a mistake of units."""
_LONGEST_LEEWAY = 300
"""Clocks that are off by more than five minutes are reported, not tolerated."""
_ALL_SCHEMES = int(~Scheme(0))
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REGION = re.compile(r"[0-9]{6}")
_MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")


@functools.cache
def _rules_of() -> dict[str, dict[str, Any]]:
    """The rules of the shipped policies by name, as their file has them."""
    loaded: dict[str, Any] = json.loads((resources.files(__package__) / "policies.json").read_text("utf-8"))
    return loaded["policies"]  # type: ignore[no-any-return]


_STRICT_STATUS_AGE: Final[int] = _rules_of()["gate"]["status_max_age"]
_STRICT_TIMESTAMP_AGE: Final[int] = _rules_of()["gate"]["timestamp_max_age"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What must hold beside the card being genuine and the permit being in force, which no policy waives.

    ``Policy("bank", regions={"310000"})`` is ``gate`` and asks for more; ``dataclasses.replace(Policy.named("benefit"),
    name="clinic", ...)`` starts from another shipped one.

    Args:
        name: what the policy is called; is in the verdict. Not a shipped policy's name.
        status_required: no verdict is VALID without the card's entry in a fresh status list.
        status_max_age, timestamp_max_age: in seconds, at most gate's; None, or more: only as ``unsafe_...``; the
        token's
            own end is a limit besides.
        trust_list_max_age: in seconds; None, as in ``gate``: the list's own end is the limit.
        insurance: ``not_needed``; ``as_of_issue``: in force or exempt when the code was issued; ``live``: now.
        schemes: bits of :class:`icard_crypto.card.card.Scheme` that must all be covered; an exemption is no cover.
        paid_through: contributions must be paid up to this month at least.
        service: a number of the registry of services that must be granted.
        employer_disclosed: the code must name the employer.
        regions: GB/T 2260 codes, one of which must cover the permit's region; None: any.
        issuers: the issuers taken; None: any trusted one.
        environment: ``production`` or ``test``: cards of the other one do not meet the policy; None: either, which
            ``Verdict.require`` still tells apart.
        leeway: seconds by which the card's begin and end are stretched for clocks that differ.

    Raises:
        Invalid: ``policy.*``, with the field as its path.
    """

    name: str
    status_required: bool = True
    status_max_age: int | None = _STRICT_STATUS_AGE
    timestamp_max_age: int | None = _STRICT_TIMESTAMP_AGE
    trust_list_max_age: int | None = None
    insurance: InsuranceNeed = "not_needed"
    schemes: Scheme = _NO_SCHEME
    paid_through: Month | None = None
    service: int | None = None
    employer_disclosed: bool = False
    regions: frozenset[str] | None = None
    issuers: frozenset[str] | None = None
    environment: Literal["production", "test"] | None = None
    leeway: int = 0

    def __post_init__(self) -> None:
        for field in ("regions", "issuers"):
            if isinstance(getattr(self, field), set):
                object.__setattr__(self, field, frozenset(getattr(self, field)))
        for field, (good, expected) in _RULES.items():
            value = getattr(self, field)
            if not good(value):
                raise Invalid("policy.value", path=field, expected=expected, found=_shown(value))
        if self.insurance == "not_needed" and (self.schemes or self.paid_through):
            raise Invalid(
                "policy.conflict",
                path="insurance",
                expected="as_of_issue or live, because schemes or paid_through are asked for",
                found="not_needed",
            )
        if self.insurance == "live" and not self.status_required:
            raise Invalid(
                "policy.conflict",
                path="status_required",
                expected="true, because live insurance is read from the status list",
                found="false",
            )
        # 3, 4
        if self.name in _rules_of():
            if self != _as_shipped(self.name):
                raise Invalid("policy.taken", path="name", found=self.name)
        elif not self.name.startswith(_LOOSE):
            self._refuse_loose()

    def _refuse_loose(self) -> None:
        if not self.status_required:
            raise Invalid("policy.loose", path="status_required", expected="true", found="false")
        for field, strict in (("status_max_age", _STRICT_STATUS_AGE), ("timestamp_max_age", _STRICT_TIMESTAMP_AGE)):
            value = getattr(self, field)
            if value is None or value > strict:
                raise Invalid("policy.loose", path=field, expected=f"at most {strict} seconds", found=_shown(value))

    @classmethod
    def named(cls, name: str) -> Policy:
        """A shipped policy: ``gate``, ``inspection``, ``benefit``, ``offline`` or ``unsafe_no_status``.

        Raises:
            Invalid: ``policy.name``.
        """
        if not isinstance(name, str) or name not in _rules_of():
            raise Invalid("policy.name", path="name", expected=", ".join(_rules_of()), found=_shown(name))
        return _as_shipped(name)

    @staticmethod
    def names() -> tuple[str, ...]:
        """The names of the shipped policies."""
        return tuple(_rules_of())

    @classmethod
    def from_json(cls, data: bytes | str) -> Policy:
        """A policy from a file that a user wrote; the form of :meth:`to_dict`.

        Raises:
            Invalid: ``policy.*``, with the path of the field.
        """
        try:
            loaded = strict_json.loads(data)
        except strict_json.DuplicateMember as twice:
            raise Invalid("policy.json", path=_shown(twice.name), expected="each member once") from None
        except ValueError:
            raise Invalid("policy.json", expected="a JSON object") from None
        return cls.from_dict(loaded)

    @classmethod
    def from_dict(cls, loaded: object) -> Policy:
        """A policy from the JSON form: schemes by name, months as ``2026-09``, a service by name or number.

        ``base`` names the shipped policy that it starts from; without one that is ``gate``.

        Raises:
            Invalid: ``policy.*``, with the path of the field.
        """
        if not isinstance(loaded, Mapping):
            raise Invalid("policy.value", path="", expected="an object", found=_shown(loaded))
        known = {field.name for field in fields(cls)} | {_BASE}
        for name in loaded:
            if name not in known:
                raise Invalid("policy.field", path=str(name)[:64], expected=f"one of {', '.join(sorted(known))}")
        if "name" not in loaded:
            raise Invalid("policy.value", path="name", expected=_RULES["name"][1], found="nothing")
        values: dict[str, Any] = dict(loaded)
        base = values.pop(_BASE, "gate")
        if not isinstance(base, str) or base not in _rules_of():
            raise Invalid("policy.name", path=_BASE, expected=", ".join(_rules_of()), found=_shown(base))
        for name, convert in (
            ("schemes", _schemes),
            ("paid_through", _month),
            ("service", _service),
            ("regions", _texts),
            ("issuers", _texts),
        ):
            if values.get(name) is not None:
                values[name] = convert(name, values[name])
        return replace(cls.named(base), **values)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, every field named."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        values["schemes"] = [_scheme_name(scheme) for scheme in Scheme if scheme & self.schemes]
        values["paid_through"] = None if self.paid_through is None else str(self.paid_through)
        service = None if self.service is None else SERVICE_NUMBERS.get(self.service)
        values["service"] = self.service if service is None else service.name
        for name in ("regions", "issuers"):
            values[name] = None if values[name] is None else sorted(values[name])
        return values


def _shown(value: object) -> str:
    """A value in an error: policies hold no secret and nobody's data."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_int(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_age(value: object) -> bool:
    return value is None or _is_int(value, 1, _LONGEST_AGE)


def _is_texts(value: object, pattern: re.Pattern[str]) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, frozenset)
        and bool(value)
        and all(isinstance(text, str) and pattern.fullmatch(text) for text in value)
    )


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


_AGE = (_is_age, f"whole seconds from 1 to {_LONGEST_AGE}, or null")
_TRUTH = (_is_bool, "true or false")
_RULES: dict[str, tuple[Any, str]] = {
    "name": (lambda value: isinstance(value, str) and _NAME.fullmatch(value), "lower-case letters, digits and _"),
    "status_required": _TRUTH,
    "status_max_age": _AGE,
    "timestamp_max_age": _AGE,
    "trust_list_max_age": _AGE,
    "insurance": (lambda value: isinstance(value, str) and value in _NEEDS, "one of " + ", ".join(_NEEDS)),
    "schemes": (
        lambda value: isinstance(value, int) and 0 <= value <= _ALL_SCHEMES,
        "known schemes, such as Scheme.MEDICAL | Scheme.PENSION",
    ),
    "paid_through": (
        lambda value: value is None or (isinstance(value, Month) and bool(_MONTH.fullmatch(str(value)))),
        "a month such as 2026-09, or null",
    ),
    "service": (lambda value: value is None or _is_int(value, 0, 65535), "a service of the registry, or null"),
    "employer_disclosed": _TRUTH,
    "regions": (lambda value: _is_texts(value, _REGION), "codes of six digits, at least one, or null"),
    "issuers": (lambda value: _is_texts(value, re.compile(r".{1,64}")), "issuer ids, at least one, or null"),
    "environment": (
        lambda value: value is None or (isinstance(value, str) and value in ("production", "test")),
        "production, test, or null",
    ),
    "leeway": (lambda value: _is_int(value, 0, _LONGEST_LEEWAY), f"whole seconds from 0 to {_LONGEST_LEEWAY}"),
}


def _scheme_name(scheme: Scheme) -> str:
    return str(scheme.name).lower()


_SCHEMES = {_scheme_name(scheme): scheme for scheme in Scheme}


def _list(path: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise Invalid("policy.value", path=path, expected="a list", found=_shown(value))
    return value


def _schemes(path: str, value: object) -> Scheme:
    bits = Scheme(0)
    for place, name in enumerate(_list(path, value)):
        if not isinstance(name, str) or name not in _SCHEMES:
            expected = "one of " + ", ".join(_SCHEMES)
            raise Invalid("policy.value", path=f"{path}[{place}]", expected=expected, found=_shown(name))
        bits |= _SCHEMES[name]
    return bits


def _month(path: str, value: object) -> Month:
    match = _MONTH.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Invalid("policy.value", path=path, expected=_RULES[path][1], found=_shown(value))
    return Month(int(match[1]), int(match[2]))


def _service(path: str, value: object) -> int:
    if isinstance(value, str):
        if value not in SERVICES:
            raise Invalid("policy.value", path=path, expected="one of " + ", ".join(SERVICES), found=_shown(value))
        return SERVICES[value].number
    if not isinstance(value, int):
        raise Invalid("policy.value", path=path, expected=_RULES[path][1], found=_shown(value))
    return value


def _texts(path: str, value: object) -> frozenset[str]:
    texts = _list(path, value)
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise Invalid("policy.value", path=f"{path}[{place}]", expected="text", found=_shown(text))
    return frozenset(text for text in texts if isinstance(text, str))


@functools.cache
def _as_shipped(name: str) -> Policy:
    """A shipped policy. Made without the check of its name, which compares with it."""
    policy = object.__new__(Policy)
    values = {field.name: field.default for field in fields(Policy)} | {"name": name, **_rules_of()[name]}
    values["schemes"] = _schemes("schemes", values["schemes"] or [])
    for field, value in values.items():
        object.__setattr__(policy, field, value)
    return policy
