"""Start a command, and report a missing optional part in one line.

Promises:

1. A package of an extra that is not installed is one line, with status 64: what is missing, and how to install it;
   whichever command of either program needs it, and when.
2. So is a part of icard that this operating system does not have.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from icard_crypto.errors import MissingPart

__all__ = ["start"]

#: The packages of each extra by the names they are imported by, and what says that the extra is missing.
_EXTRAS: Final[dict[str, tuple[str, ...]]] = {
    "cli.extra_missing": ("typer", "rich", "pypdfium2"),
    "qr.extra_missing": ("PIL", "zxingcpp", "qrcode", "pyzbar"),
    "sync.extra_missing": ("httpx", "httpcore"),
    "serve.extra_missing": (
        *("fastapi", "starlette", "uvicorn", "pydantic", "pydantic_settings", "prometheus_client", "structlog"),
        *("jinja2", "markupsafe", "python_multipart", "multipart"),
    ),
    "cli.issuer_extra_missing": ("sqlalchemy", "alembic", "psycopg", "argon2", "pyotp"),
}
_USAGE: Final = 64


def start(load: Callable[[], Callable[[], object]], missing: str) -> None:
    """Run a command and end the process; without what it needs a line says so, with status 64.

    Args:
        load: imports the command and gives it.
        missing: the code of the program's own extra, which has whatever it may need.
    """
    try:
        load()()
    except ModuleNotFoundError as absent:
        name = (absent.name or "").partition(".")[0]
        code = next((code for code, names in _EXTRAS.items() if name in names), None)
        if code is None:
            raise
        # An issuer needs what its extra brings, even where a smaller one has it too.
        _end(MissingPart(missing if missing == "cli.issuer_extra_missing" else code, found=f"no {name}"))
    except MissingPart as fault:
        _end(fault)


def _end(fault: MissingPart) -> None:
    sys.stderr.write(f"error: {fault.message()} ({fault.code}) hint: {fault.hint()}\n")
    sys.exit(_USAGE)
