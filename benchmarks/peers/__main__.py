"""``python -m benchmarks.peers``: make every peer's environment, one line each; what cannot be made is a line too."""

from __future__ import annotations

from benchmarks.peers import PeerMissing, names, ready


def main() -> None:
    """Make them all; the exit code is 0 even when some are missing, because a benchmark runs with what is there."""
    for name in names():
        try:
            ready(name)
        except PeerMissing as missing:
            kind = "SKIPPED, the package registry gives no answer" if missing.unreachable else "FAILED"
            print(f"{name:10} {kind}: {missing.reason}")
        else:
            print(f"{name:10} ready")


if __name__ == "__main__":
    main()
