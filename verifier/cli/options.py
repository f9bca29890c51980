"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Annotated

import typer

from icard_crypto import limits
from verifier.decision.policy import Policy
from verifier.knowledge.trust import TrustDomain
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.files import FileFault, read_capped

__all__ = ["CODE_HELP", "Now", "PolicyName", "Trusted", "moment", "policy", "trusted_domain"]

CODE_HELP = "A code's text, a file (text, .cose, PNG, JPEG, WebP, PDF), or - for standard input."

Trusted = Annotated[
    Path | None,
    typer.Option(
        "--trusted", metavar="FILE", help="JSON file of trusted keys, as icard-issuer files keygen writes it."
    ),
]
PolicyName = Annotated[
    str,
    typer.Option(
        "--policy", metavar="NAME|FILE", help=f"What is asked of a card: {', '.join(Policy.names())}, or a JSON file."
    ),
]
Now = Annotated[
    str | None,
    typer.Option(
        "--now", metavar="TIME", help="Decide as of this time, such as 2026-10-08T10:00:00+08:00 (default: the clock)."
    ),
]

_POLICY_BYTES = 64 * 1024


def trusted_domain(path: Path | None) -> TrustDomain | None:
    """The domain of a file of trusted keys.

    Raises:
        CommandError: the file cannot be read.
        StateError: ``trusted.*``.
    """
    return None if path is None else TrustDomain.from_trusted_file(read_capped(path, limits.TRUST_LIST_BYTES))


def policy(named: str) -> Policy:
    """A shipped policy by name, else the policy of a file.

    Raises:
        CommandError: the file cannot be read.
        Invalid: ``policy.*``.
    """
    if named in Policy.names():
        return Policy.named(named)
    if Path(named).is_file():
        return Policy.from_json(read_capped(Path(named), _POLICY_BYTES))
    if "/" in named or named.endswith(".json"):
        raise FileFault("file.no_such_file", found=named)
    return Policy.named(named)


def moment(given: str | None, option: str = "--now") -> int:
    """A time in ISO 8601 with its zone as Unix time; None is the clock, read here and once.

    Raises:
        CommandError: ``cli.option``.
    """
    if given is None:
        return int(time.time())
    try:
        parsed = datetime.datetime.fromisoformat(given)
        if parsed.tzinfo is None:
            raise ValueError
        return int(parsed.timestamp())
    except (ValueError, OverflowError):
        raise CommandError(
            "cli.option", path=option, expected="a time with its zone, such as 2026-10-08T02:00:00Z", found=given
        ) from None
