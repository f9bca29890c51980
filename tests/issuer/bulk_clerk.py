"""A process that runs a bulk file until it is killed: ``python -m tests.issuer.bulk_clerk FOLDER URL KIND FILE``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from issuer import bulk
from issuer.bulk_codes import CodesFile
from issuer.bulk_rows import Source
from issuer.cards import By
from issuer.core import Core
from tests.issuer.service import settings_for

if __name__ == "__main__":
    folder, url, kind, path = Path(sys.argv[1]), sys.argv[2], cast("bulk.Kind", sys.argv[3]), Path(sys.argv[4])
    core = Core.open(settings_for(folder, url))
    options = bulk.Options(
        codes=CodesFile(folder / f"{kind}.jsonl"), batch=3, progress=lambda done, *_: print(done, flush=True)
    )
    bulk.run(core, kind, Source.of(path), By("host:test"), options)
