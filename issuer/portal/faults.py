"""Form errors, at the fields that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from icard_crypto.errors import IcardError
from verifier.runtime import http

from .catalogue import Words

__all__ = ["FieldError", "FormFault", "field_errors"]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error. ``field``: its name in the form; empty: of the form as a whole."""

    field: str
    text: str


class FormFault(Exception):
    """A form that cannot be used as it was filled in; all its errors at once."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(", ".join(error.field for error in errors))
        self.errors = errors


def field_errors(fault: IcardError, words: Words, fields: Mapping[str, str], known: set[str]) -> list[FieldError]:
    """The errors that a refusal of the service is, at the fields of a form.

    Args:
        fields: which field a code, a layer or a path is about; what is not here is found by its path.
        known: the form's fields.
    """
    if isinstance(fault, http.Problem) and fault.errors:
        return [error for one in fault.errors for error in _one(_named(one), words, fields, known)]
    return _one(fault, words, fields, known)


def _one(fault: IcardError, words: Words, fields: Mapping[str, str], known: set[str]) -> list[FieldError]:
    message, hint = words.fault(fault)
    path = (fault.path or "").rpartition(".")[2]
    field = fields.get(fault.code) or fields.get(fault.layer) or fields.get(path) or (path if path in known else "")
    return [FieldError(field, f"{message}{words.gap}{hint}")]


def _named(one: http.FieldFault) -> IcardError:
    return IcardError(one.code, path=one.pointer.rpartition("/")[2], expected=one.expected)
