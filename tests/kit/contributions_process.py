"""Imports a file of contributions until it is killed: ``python -m tests.kit.contributions_process FOLDER URL FILE``.

After each batch it prints how many rows were read, written and refused by then, and at the end the process's most
memory in MiB.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from issuer.acts import Actor
from issuer.bulk.rows import Source
from issuer.core import Core
from issuer.insurance.imports import import_file
from tests.kit.issuing_service import settings_for


def main(folder: str, url: str, path: str) -> None:
    core = Core.open(settings_for(Path(folder), url))
    import_file(
        core, Source.of(Path(path)), Actor("host:test"), lambda done, refused, _: print(done, refused, flush=True)
    )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
    core.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
