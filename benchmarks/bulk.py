"""How fast a file of cards is issued in bulk, and whether memory grows with it: a process of its own for each file.

``python -m benchmarks.bulk FOLDER URL FILE`` is that process: it issues the file with a worker beside it, as a service
does, for a full list is followed by a published one. It prints seconds and memory as JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from issuer.acts import Actor
from issuer.bulk import run
from issuer.bulk.codes import CodesFile
from issuer.bulk.rows import Source
from issuer.core import Core
from issuer.keys.signer import KeystoreSigner
from issuer.worker.loop import Worker
from tests.kit.bulk_files import write_cards
from tests.kit.issuing_service import settings_for
from tests.kit.signed_domain import published_core

__all__ = ["measure"]

#: Cards after which the process has everything loaded and every pool filled.
_WARM = 1_000


def measure(folder: Path, url: str, count: int) -> dict[str, Any]:
    """Issue ``count`` cards from a CSV file; cards a second, MiB after the first thousand and at most."""
    published_core(folder, url).close()
    path = write_cards(folder / "cards.csv", range(count))
    command = [sys.executable, "-m", "benchmarks.bulk", str(folder), url, str(path)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    told: dict[str, Any] = json.loads(ended.stdout)
    if told["done"] != count:
        raise ValueError(f"{told['done']} of {count} cards were issued")
    return {**told, "cards_a_second": count / told["seconds"], "file_mib": path.stat().st_size / 2**20}


def main() -> None:
    """Issue the file, and say how it went."""
    folder, url, path = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    core = Core.open(settings_for(folder, url))
    core = replace(core, signer=KeystoreSigner(core.keystore, core.passphrase))
    stop = threading.Event()
    worker = threading.Thread(target=Worker(core, None, lambda event, facts: None).run, args=(stop,))
    worker.start()
    warm = 0.0

    def watch(done: int, refused: int, read: int) -> None:
        nonlocal warm
        if not warm and done >= _WARM:
            warm = _peak()

    start = time.perf_counter()
    try:
        options = run.Options(codes=CodesFile(folder / "codes.jsonl"), progress=watch)
        outcome = run.run(core, "issue", Source.of(path), Actor("benchmark"), options)
        seconds = time.perf_counter() - start
    finally:
        stop.set()
        worker.join()
    print(json.dumps({"done": outcome.done, "seconds": seconds, "warm_mib": warm or _peak(), "peak_mib": _peak()}))


def _peak() -> float:
    """MiB of memory that this process has had at most; Linux counts KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
