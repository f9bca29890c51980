"""A decoder that was taken over can do nothing to others; what it has to do works."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from icard_crypto import qr
from tests.kit import pictures
from verifier.service.child_side import HEAD, command
from verifier.service.picture_contents import IS_FILTERED
from verifier.service.pictures import PictureReader

TEXT = pictures.card_text(417)
#: What somebody who has the reader of pictures would try, each as an expression that must fail.
ATTEMPTS = {
    "read a key": "open(paths[0], 'rb')",
    "write into the state": "open(paths[0], 'ab')",
    "make a file": "open(paths[0] + '.new', 'wb')",
    "make a file without writing": "os.mknod(paths[0] + '.new')",
    "remove": "os.unlink(paths[0])",
    "rename over": "os.rename(paths[0], paths[1])",
    "exchange": "libc.renameat2(-100, paths[0].encode(), -100, paths[1].encode(), 2) and check()",
    "link": "os.link(paths[0], paths[0] + '.link')",
    "link by name": "os.symlink(paths[0], paths[0] + '.link')",
    "change rights": "os.chmod(paths[0], 0o777)",
    "cut": "os.truncate(paths[0], 0)",
    "list the folder": "os.listdir(os.path.dirname(paths[0]))",
    "connect": "socket.socket()",
    "signal the parent": "os.kill(os.getppid(), 0)",
    "signal itself as a thread": "signal.raise_signal(signal.SIGKILL)",
    "another process": "os.fork()",
    "another program": "os.execv('/bin/true', ['true'])",
    "look into another process": "libc.ptrace(16, os.getppid(), 0, 0) and check()",
    "more memory": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "a terminal's input": "fcntl.ioctl(0, 0x5412, b'x')",
}


def test_a_reader_that_was_taken_over_can_do_nothing_to_others(tmp_path: Path) -> None:
    """Each attempt is refused, and the files are as they were."""
    if sys.platform != "linux":
        pytest.skip("Linux has the filter")
    paths = [tmp_path / "manifest", tmp_path / "other"]
    for path in paths:
        path.write_bytes(path.name.encode())
    program = f"""
import ctypes, fcntl, json, os, resource, signal, socket, sys
from verifier.service.picture_child import prepare
libc = ctypes.CDLL(None, use_errno=True)
paths = sys.argv[1:]
def check():
    raise OSError(ctypes.get_errno(), "refused")
print(prepare())
told = {{}}
for name, attempt in json.loads({json.dumps(json.dumps(ATTEMPTS))}).items():
    try:
        eval(attempt)
        told[name] = "done"
    except OSError as refused:
        told[name] = refused.errno
    except ValueError as refused:
        told[name] = 1
print(json.dumps(told))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)], capture_output=True, text=True, check=False, timeout=60
    )
    filtered, told = done.stdout.splitlines()
    assert filtered == "True", done.stderr
    assert json.loads(told) == dict.fromkeys(ATTEMPTS, 1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"manifest": b"manifest", "other": b"other"}


def _forms() -> dict[str, bytes]:
    """A code in all that is read, so that nothing is loaded only when it is needed."""
    drawn = Image.open(BytesIO(qr.draw_png(TEXT)))
    exif = Image.Exif()
    exif[0x0112] = 6
    ways: dict[str, tuple[str, Image.Image, dict[str, object]]] = {
        "png": ("PNG", drawn, {}),
        "palette": ("PNG", drawn.convert("P"), {"transparency": 0}),
        "16 bits": ("PNG", drawn.convert("I").point(lambda value: value * 257).convert("I;16"), {}),
        "alpha": ("PNG", drawn.convert("RGBA"), {}),
        "jpeg": ("JPEG", drawn.convert("L"), {}),
        "progressive": ("JPEG", drawn.convert("RGB"), {"progressive": True, "exif": exif}),
        "cmyk": ("JPEG", drawn.convert("CMYK"), {}),
        "mpo": ("MPO", drawn.convert("RGB"), {"save_all": True, "append_images": [drawn.convert("RGB")]}),
        "webp": ("WEBP", drawn.convert("RGB"), {"exif": exif}),
        "lossless": ("WEBP", drawn.convert("RGBA"), {"lossless": True}),
        "pdf": ("PDF", drawn.convert("L"), {}),
    }
    made = {}
    for name, (form, image, options) in ways.items():
        out = BytesIO()
        image.save(out, form, **options)
        made[name] = out.getvalue()
    made["form"] = (Path(__file__).parents[2] / "kit" / "form-field.pdf").read_bytes()
    return made


def test_every_kind_of_picture_is_read_by_a_process_that_can_open_nothing() -> None:
    """Whatever a library would load later was loaded before."""
    child = subprocess.Popen(
        command("verifier.service.picture_child"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert child.stdin is not None
    assert child.stdout is not None
    found = {}
    with child:
        for name, data in _forms().items():
            child.stdin.write(HEAD.pack(len(data) + 1) + b"1" + data)
            (length,) = HEAD.unpack(child.stdout.read(HEAD.size))
            answer = json.loads(child.stdout.read(length))
            found[name] = answer["error"] or len(answer["codes"])
        child.stdin.close()
    assert found == dict.fromkeys(_forms(), 1)


@pytest.mark.parametrize(("told", "lines"), [(b"1", 0), (b"0", 1)])
def test_a_reader_without_a_filter_is_logged_once(told: bytes, lines: int) -> None:
    """It was silent: an operator did not learn that a decoder can open files on this machine."""
    reader = PictureReader(1)

    async def answers(request: bytes) -> bytes:
        return told if request == IS_FILTERED else b'{"codes": [], "error": null}'

    async def twice() -> None:
        for _ in range(2):
            assert await reader.codes(b"", thorough=False) == []

    reader.pool.ask = answers  # type: ignore[method-assign]
    with capture_logs() as logged:
        asyncio.run(twice())
    assert [each["log_level"] for each in logged] == ["warning"] * lines


def test_a_reader_says_whether_it_is_filtered() -> None:
    """As the system has it, and reads pictures afterwards."""
    child = command("verifier.service.picture_child")
    request = HEAD.pack(1) + IS_FILTERED
    done = subprocess.run(child, input=request, capture_output=True, check=True)
    assert done.stdout == HEAD.pack(1) + (b"1" if sys.platform == "linux" else b"0")
