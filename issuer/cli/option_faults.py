"""Report faults of a trusted entry in terms of the command's options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from icard_crypto.errors import DecodeError, StateError
from verifier.runtime.cli.faults import CommandError

__all__ = ["told_by_options"]


@contextmanager
def told_by_options(options: Mapping[str, str], forms: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn ``trusted.value`` and ``claims.*`` errors into ``cli.option``.

    Args:
        options: the option to name, by the first known name in the path at fault.
        forms: what an option expects, where the entry would say it of its own field.
    """
    try:
        yield
    except (StateError, DecodeError) as fault:
        names = (segment.partition("[")[0] for segment in (fault.path or "").split("."))
        option = next((options[name] for name in names if name in options), None)
        if option is None:
            raise
        expected = (forms or {}).get(option, fault.expected)
        raise CommandError("cli.option", path=option, expected=expected, found=fault.found) from fault
