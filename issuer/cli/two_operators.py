"""Commands that two people do: whom they name, and the codes that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .typed import given

if TYPE_CHECKING:
    from issuer.accounts.operators import Operator
    from issuer.acts import Actor
    from issuer.core import Core

__all__ = ["FirstOperator", "SecondOperator", "both_operators", "proven"]

FirstOperator = Annotated[
    str, typer.Option("--operator", help="An administrator's login name; a code of the authenticator app is asked for.")
]
SecondOperator = Annotated[
    str, typer.Option("--second-operator", help="Another administrator's login name; a code is asked for as well.")
]


def both_operators(first: str, second: str) -> tuple[Operator, Operator]:
    """Both, with their codes: two lines of standard input, asked for at a terminal.

    Raises:
        CommandError: ``cli.option``: a code did not come.
    """
    from issuer.accounts.operators import Operator

    codes = [given("-", f"code of {login}") or "" for login in (first, second)]
    return Operator(first, codes[0]), Operator(second, codes[1])


def proven(core: Core, two: tuple[Operator, Operator], reason: str) -> Actor:
    """Both as one actor whose act bypasses the service's dual control.

    Raises:
        StateError: as :func:`issuer.accounts.operators.two_operators`.
        CommandError: ``cli.option``: a reason that does not show.
    """
    from issuer.accounts.operators import two_operators

    from .service import acting

    said = acting(two[0].login, reason, break_glass=True)
    return two_operators(core, *two, said.reason, break_glass=said.break_glass)
