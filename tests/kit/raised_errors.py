"""Which errors the source raises: found by reading it, not by running it."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import issuer  # noqa: F401  (loaded, it has registered its words and those of what it imports)
from icard_crypto import errors
from icard_crypto.errors import IcardError, StateError

__all__ = [
    "CHECKOUT",
    "PACKAGES",
    "codes_in",
    "error_classes",
    "kinds_by_code",
    "modules",
    "name_of",
    "passed_on",
    "raised_error",
]

CHECKOUT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("icard_crypto", "verifier", "issuer")
_CODE: Final = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")
#: A problem brings its own status with it, whatever the kind of its code.
_NO_KINDS: Final = frozenset({"IcardError", "Problem"})


@functools.cache
def modules() -> dict[Path, ast.Module]:
    """All source of the packages, parsed."""
    paths = sorted(path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py"))
    return {path: ast.parse(path.read_text("utf-8")) for path in paths}


def name_of(node: ast.expr) -> str:
    """The last name of ``a.b.C`` or ``C``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@functools.cache
def error_classes() -> dict[str, str]:
    """IcardError and every class that descends from it, in any package, each with its kind.

    The kind is the nearest class of :mod:`icard_crypto.errors`, or the class itself where that is the root.
    """
    classes = [node for tree in modules().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    kinds = {
        name: name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, IcardError)
    }
    while more := {
        node.name: node.name if kinds[base] == "IcardError" else kinds[base]
        for node in classes
        for base in map(name_of, node.bases)
        if base in kinds and node.name not in kinds
    }:
        kinds |= more
    return kinds


def codes_in(value: ast.expr) -> Iterator[str]:
    """The codes, or patterns of codes, that an expression can give."""
    if isinstance(value, ast.IfExp):
        yield from codes_in(value.body)
        yield from codes_in(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in value.values)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


@functools.cache
def kinds_by_code() -> dict[str, dict[str, list[str]]]:
    """``{code: {kind: [places]}}`` of what is raised with the code written out.

    Seen are calls of an error class, ``super().__init__`` of one, refusals of permits
    (:class:`issuer.permits.refusals.Refusal`), and tables from codes to classes.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for where, kind, value in _made():
        if kind not in _NO_KINDS:
            for code in codes_in(value):
                if _CODE.fullmatch(code):
                    found[code][kind].append(where)
    return dict(found)


def raised_error(code: str) -> IcardError:
    """The error that the source raises with this code."""
    kind = next(iter(kinds_by_code()[code]))
    made = getattr(errors, kind)(code)
    assert isinstance(made, IcardError)
    return made


def passed_on() -> set[str]:
    """``module: expression`` of every StateError, and error of its kinds, whose code isn't written out."""
    names = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, StateError)}
    return {
        f"{path.relative_to(CHECKOUT)}: {ast.unparse(node.args[0])}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node.func) in names and not list(codes_in(node.args[0]))
    }


def _made() -> Iterator[tuple[str, str, ast.expr]]:
    kinds = error_classes()
    calls = {**kinds, "Refusal": kinds["PermitRefused"]}
    for path, tree in modules().items():
        module = path.relative_to(CHECKOUT)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in calls and node.args:
                yield f"{module}:{node.lineno}", calls[name_of(node.func)], node.args[0]
            elif isinstance(node, ast.ClassDef) and node.name in kinds:
                for call in _initialised(node):
                    yield f"{module}:{call.lineno}", kinds[node.name], call.args[0]
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if key is not None and name_of(value) in kinds:
                        yield f"{module}:{value.lineno}", kinds[name_of(value)], key


def _initialised(node: ast.ClassDef) -> Iterator[ast.Call]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and name_of(call.func) == "__init__" and call.args:
            yield call
