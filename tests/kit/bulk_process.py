"""Runs a bulk file until it is killed: ``python -m tests.kit.bulk_process FOLDER URL KIND FILE``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from issuer.acts import Actor
from issuer.bulk import run
from issuer.bulk.codes import CodesFile
from issuer.bulk.rows import Source
from issuer.core import Core
from tests.kit.issuing_service import settings_for

if __name__ == "__main__":
    folder, url, kind, path = Path(sys.argv[1]), sys.argv[2], cast("run.Kind", sys.argv[3]), Path(sys.argv[4])
    core = Core.open(settings_for(folder, url))
    options = run.Options(
        codes=CodesFile(folder / f"{kind}.jsonl"), batch=3, progress=lambda done, *_: print(done, flush=True)
    )
    run.run(core, kind, Source.of(path), Actor("host:test"), options)
