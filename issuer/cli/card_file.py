"""A card's JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from icard_crypto.card.card import Card
from icard_crypto.encoding import strict_json
from icard_crypto.errors import CardError
from verifier.runtime.cli.faults import printable
from verifier.runtime.files import FileFault, read_start

__all__ = ["read_card"]

#: A card with the largest photo in base64 is under 8 kB.
CARD_FILE_BYTES: Final = 64 * 1024


def read_card(path: Path) -> Card:
    """The card of a file; ``-`` is standard input.

    Raises:
        CommandError: the file cannot be read.
        CardError: ``cli.json`` with line and column, ``cli.duplicate_name``, ``card.*`` with the path of the field.
    """
    data = read_start(None if str(path) == "-" else path, CARD_FILE_BYTES)
    if len(data) > CARD_FILE_BYTES:
        raise FileFault("file.too_large", expected=f"at most {CARD_FILE_BYTES} bytes", found=str(path))
    try:
        loaded = strict_json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except json.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        # Python's words name the grammar alone, never a value.
        raise CardError("cli.json", path=where, found=fault.msg) from None
    except UnicodeDecodeError as fault:
        raise CardError("cli.json", offset=fault.start, expected="text in UTF-8") from None
    except strict_json.DuplicateMember as twice:
        raise CardError("cli.duplicate_name", path=printable(twice.name, 24)) from None
    except ValueError:
        raise CardError("cli.json", expected="numbers of JSON, less nesting") from None
    return Card.from_json(loaded)
