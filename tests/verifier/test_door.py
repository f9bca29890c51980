"""The one door of the package: its example runs, and its list is what it gives."""

from __future__ import annotations

import doctest

import verifier
from icard_crypto.errors import IcardError


def test_example_runs() -> None:
    """The example in the docstring does what it says."""
    failed, tried = doctest.testmod(verifier)
    assert failed == 0
    assert tried > 10


def test_door_is_complete() -> None:
    """What the door gives without an underscore is in ``__all__``, submodules apart, and sorted."""
    modules = type(doctest)
    public = {name for name, value in vars(verifier).items() if name[0] != "_" and not isinstance(value, modules)}
    assert public == set(verifier.__all__)


def test_errors_have_one_root() -> None:
    """Both errors of the verifier are icard errors."""
    assert issubclass(verifier.Refused, IcardError)
    assert issubclass(verifier.UsageError, IcardError)
