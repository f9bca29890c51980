"""Imports a file of contributions until it is killed: ``python -m tests.kit.contributions_process FOLDER URL FILE``.

After each batch it prints how many rows were read, written and refused by then, and at the end the process's most
memory in MiB.
"""

from __future__ import annotations

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
    # Of this program alone: getrusage would give the most of the process that began it.
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10)
    core.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
