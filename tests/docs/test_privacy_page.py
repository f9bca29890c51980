"""docs/privacy.md: its commands run in order, its endpoints are there, and the tests that the assessment names too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from issuer.service.api import SUBJECTS
from tests.docs.pages import ROOT, blocks, run_shell

PAGE = "docs/privacy.md"


@pytest.mark.slow
def test_commands_of_the_page_run(tmp_path: Path) -> None:
    """A new service lists purposes and what is kept. Erasing takes two administrators: tests/issuer/accounts has it."""
    script = "export ICARD_ISSUER_SCRYPT_LOG2=14\n" + "\n".join(blocks(PAGE, "sh"))
    ended = run_shell(script, tmp_path)
    assert ended.returncode == 0, ended.stderr + ended.stdout[-2000:]
    for wanted in ("inquiry", "insurance"):
        assert wanted in ended.stdout


def test_endpoints_of_the_page_are_there() -> None:
    router = APIRouter()
    for subject in SUBJECTS:
        subject.join(router)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    there = {f"{method} {route.path}" for route in routes for method in route.methods or ()}
    named = re.findall(r"`((?:GET|POST) /v1/[^`?]+)`", (ROOT / PAGE).read_text("utf-8"))
    assert len(named) >= 7
    assert [name for name in named if name not in there] == []


def test_files_that_the_assessment_names_are_there() -> None:
    named = re.findall(r"`((?:tests|docs)/[^`]+)`", (ROOT / "docs/impact-assessment.md").read_text("utf-8"))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
