"""The databases that issuing is measured on: files of SQLite, and a PostgreSQL server with fsync."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.kit.postgres import Server, Unavailable

__all__ = ["Urls", "databases", "folders"]

Urls = Callable[[], str]
"""Makes a new, empty database; its address."""


@contextlib.contextmanager
def databases(folder: Path) -> Iterator[dict[str, Urls]]:
    """Each kind of database that is there, by its name.

    Args:
        folder: where the files of SQLite go.
    """
    files = itertools.count(1)
    made: dict[str, Urls] = {"SQLite": lambda: f"sqlite:///{folder / f'{next(files)}.db'}"}
    try:
        server = Server(durable=True)
    except Unavailable as fault:
        print(f"no PostgreSQL: {fault}")
        yield made
        return
    try:
        yield {**made, "PostgreSQL": server.new_database}
    finally:
        server.remove()


@contextlib.contextmanager
def folders() -> Iterator[Iterator[tuple[str, Path, str]]]:
    """For each kind of database: its name, a folder of its own, the address of a new database; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder, databases(Path(folder)) as found:

        def each() -> Iterator[tuple[str, Path, str]]:
            for kind, urls in found.items():
                place = Path(folder) / kind
                place.mkdir()
                yield kind, place, urls()

        yield each()
