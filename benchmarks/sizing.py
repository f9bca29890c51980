"""What the verification service needs: memory of each of its processes, and a core's time for pictures of each kind.

Promises:

1. Measured at ``icard serve`` itself with two workers, on pictures as the scan page sends them and as a program may.
2. What a picture takes is processor time of the process that reads it, as the kernel counts it: other work on the
   machine changes it little.
3. Memory is the most that was resident: of a worker in some thousand verdicts, of a reader in its largest picture, of a
   batch's child in a batch. ``python -m benchmarks.sizing --keep`` measures this part alone again.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from benchmarks.keeping import KEPT, table
from icard_crypto import qr
from tests.kit import pictures
from tests.kit.verification_service import Domain, Server, children, serving

__all__ = ["sizing", "tables"]

_READER: Final = "verifier.service.picture_child"
_BATCHES: Final = "verifier.service.batch_child"
_VERDICTS: Final = 4000
_BATCH: Final = 4000
_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Name, pixels, whether a code is in it, how often it is read, whether one try is enough.
_PICTURES: Final = (
    ("camera frame of 800 x 800 with a code", (800, 800), True, 60, True),
    ("camera frame of 800 x 800 without a code", (800, 800), False, 60, True),
    ("camera frame of 1280 x 1280 with a code", (1280, 1280), True, 40, True),
    ("camera frame of 1280 x 1280 without a code", (1280, 1280), False, 40, True),
    ("photo of 2560 x 1920 with a code", (2560, 1920), True, 10, False),
    ("photo of 4000 x 3000 with a code", (4000, 3000), True, 5, False),
    ("photo of 4000 x 3000 without a code", (4000, 3000), False, 2, False),
)


def sizing() -> dict[str, Any]:
    """``measured_at``, ``memory`` in bytes by process, ``pictures`` in seconds of a core by kind."""
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as made:
        domain = Domain(Path(made) / "state")
        domain.learn(domain.now - 60)
        code = domain.code()
        with serving(domain.folder, "--no-sync", "--rate", "0", "--workers", "2") as server:
            taken = {
                name: _picture_seconds(server, _picture(code if shown else None, size), int(shown), count, quick)
                for name, size, shown, count, quick in _PICTURES
            }
            for _ in range(_VERDICTS):
                server.verify(code)
            line = json.dumps({"code": code}) + "\n"
            headers = {"Content-Type": "application/x-ndjson"}
            server.client.post("/v1/verify/batch", content=line * _BATCH, headers=headers, timeout=120)
            workers = set(children(server.process.pid, "serve")) - {server.process.pid}
            memory = {
                "parent": _most_resident(server.process.pid),
                "worker": max(map(_most_resident, workers)),
                "reader of pictures": max(map(_most_resident, children(server.process.pid, _READER))),
                "child for batches": max(map(_most_resident, children(server.process.pid, _BATCHES))),
            }
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"measured_at": at, "memory": memory, "pictures": taken}


def _picture(code: str | None, size: tuple[int, int]) -> bytes:
    """A JPEG as cameras deliver it: a code on half of the shorter side, before something with grain, or that alone."""
    grain = np.random.default_rng(1).normal(0, 12, (size[1] // 2, size[0] // 2))
    ramp = np.linspace(60, 200, size[0] // 2)[None, :] + grain
    canvas = Image.fromarray(np.clip(ramp, 0, 255).astype(np.uint8)).resize(size)
    if code is not None:
        side = min(size) // 2
        drawn = Image.open(BytesIO(qr.draw_png(code))).convert("L").resize((side, side))
        canvas.paste(pictures.rotated(drawn, 7), (size[0] // 4, min(size) // 4 - side // 10))
    return pictures.encoded(canvas, "JPEG", quality=75)


def _picture_seconds(server: Server, picture: bytes, codes: int, count: int, quick: bool) -> float:
    headers, address = {"Content-Type": "image/jpeg"}, f"/v1/verify?quick={str(quick).lower()}"

    def read() -> None:
        answer = server.client.post(address, content=picture, headers=headers)
        if answer.status_code != 200 or answer.json()["codes"] != codes:
            raise ValueError(f"a picture of {codes} codes: {answer.text[:200]}")

    read()
    readers = children(server.process.pid, _READER)
    before = sum(map(_worked, readers))
    for _ in range(count):
        read()
    return (sum(map(_worked, readers)) - before) / count


def _most_resident(pid: int) -> int:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024


def _worked(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def tables(told: dict[str, Any]) -> dict[str, str]:
    """The figures for people, by title."""
    memory = [[name, f"{size / 2**20:.0f}"] for name, size in told["memory"].items()]
    taken = [[name, f"{took * 1000:.0f}"] for name, took in told["pictures"].items()]
    return {
        "Memory of the verification service's processes, MiB": table(["", "MiB"], memory),
        "Pictures read by the verification service, milliseconds of a core": table(["", "ms"], taken),
    }


def main() -> None:
    """Measure and print; with ``--keep`` put it into the kept run too."""
    told = sizing()
    for title, text in tables(told).items():
        print(f"\n{title}\n\n{text}")
    if "--keep" in sys.argv[1:]:
        kept = json.loads(KEPT.read_text("utf-8")) | {"sizing": told}
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
