"""All commands of ``icard``, one module each."""

from __future__ import annotations

from verifier.runtime.cli.edge import new_app

from .bench_command import bench_command
from .bundle_command import bundle_app
from .init_command import init_command
from .inspect_command import inspect_command
from .qr_command import qr_command
from .serve_command import serve_command
from .status_command import status_command
from .sync_command import sync_command
from .verify_command import verify_command

__all__ = ["app"]

app = new_app("icard", "Verify, look into and draw codes of China's Integrated Card. Works without a network.")
app.command("verify")(verify_command)
app.command("inspect")(inspect_command)
app.command("qr")(qr_command)
app.command("init")(init_command)
app.command("sync")(sync_command)
app.command("status")(status_command)
app.command("serve")(serve_command)
app.command("bench")(bench_command)
app.add_typer(bundle_app, name="bundle")
