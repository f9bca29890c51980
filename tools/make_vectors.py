"""Makes the vectors in tests/vectors again, from fixed keys and the kept inputs.

Promises:

1. The same sources make the same bytes; what can't be made twice alike is kept, see :mod:`tools.vectors.kept`.
2. The folders it fills hold nothing else afterwards: a vector that is no longer made goes away.

::

    python -m tools.make_vectors            make them in place
    python -m tools.make_vectors FOLDER     make them elsewhere, to compare
    python -m tools.make_vectors --keep     sign and deflate again what no longer fits
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tools.vectors import decisions, key_faults, keyring, refuse, status, timestamps, trust, valid
from tools.vectors.base import Json
from tools.vectors.kept import Kept

__all__ = ["FOLDERS", "VECTORS", "make_all", "write"]

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"
FOLDERS = ("bundle", "decisions", "keys", "refuse", "status", "timestamp", "trust", "valid")


def make_all(kept: Kept) -> dict[str, Json]:
    """All vectors by path."""
    shown = valid.vectors(kept) | refuse.vectors() | key_faults.vectors() | decisions.vectors(kept)
    return keyring.vectors() | shown | trust.vectors() | status.vectors(kept) | timestamps.vectors(kept)


def write(made: dict[str, Json], folder: Path) -> None:
    """Write vectors below ``folder``; remove what is there and not made."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for found in (folder / name).glob("*.json"):
            if f"{name}/{found.name}" not in made:
                found.unlink()
    for path, vector in made.items():
        text = json.dumps(vector, ensure_ascii=False, indent=2)
        (folder / path).write_text(text + "\n", "utf-8")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Make the test vectors again.")
    parser.add_argument("folder", nargs="?", type=Path, default=VECTORS)
    parser.add_argument("--keep", action="store_true", help="make new kept inputs where the old ones do not fit")
    options = parser.parse_args()
    kept = Kept(VECTORS / "kept.json", renew=options.keep)
    made = make_all(kept)
    write(made, options.folder)
    if options.keep:
        kept.save()
    print(f"{len(made)} files in {options.folder}")


if __name__ == "__main__":
    main()
