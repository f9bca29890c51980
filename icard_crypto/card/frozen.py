"""Quick construction of frozen dataclasses from values that have been checked.

Promises:

1. An object of ``twin(part)`` whose every field is set and whose class is then set to ``part`` equals ``part(...)`` of
   the same values: same class, same content, frozen from that moment.

The ``__init__`` of a frozen dataclass sets each field through ``object.__setattr__``, about 0.1 us a field, and a
card has forty: a third of the time of reading its claims. The twin has the same slots and is not frozen, so that plain
stores fill it; Python itself refuses the change of class if the layouts ever differ.
"""

from __future__ import annotations

from dataclasses import fields, make_dataclass
from typing import Any

__all__ = ["twin"]


def twin(part: type[Any]) -> type[Any]:
    """The twin of ``part``, a frozen dataclass with slots and without ``__post_init__``."""
    return make_dataclass(part.__name__, [field.name for field in fields(part)], slots=True)
