"""HEAD, 304 and what OpenAPI says of them: the content stays where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event

from issuer.publication.export import export
from issuer.publication.publish import publish
from issuer.service.app import make_app, make_service
from tests.kit.http_clients import ask
from tests.kit.issuing_service import new_core
from tests.kit.signed_domain import published_core
from verifier.runtime import http


def test_who_has_it_already_costs_no_reading(database_url: str, tmp_path: Path) -> None:
    """HEAD has the headers of GET, its length too, and no body; for it and for a 304 no statement reads the content."""
    core = published_core(tmp_path, database_url)
    publish(core)
    paths = export(core, tmp_path / "www").written
    app = make_app(core, http.Drain())
    whole = {path: ask(app, "GET", f"/{path}") for path in paths}
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(core.database.engine, "before_cursor_execute", note)
    for path in paths:
        head = ask(app, "HEAD", f"/{path}")
        assert (head.status_code, head.content) == (200, b""), path
        for name in ("etag", "cache-control", "content-length", "content-type"):
            assert head.headers[name] == whole[path].headers[name], (path, name)
        for method in ("GET", "HEAD"):
            known = ask(app, method, f"/{path}", headers={"If-None-Match": head.headers["etag"]})
            assert (known.status_code, known.content) == (304, b""), path
    assert any("length(artefacts.content)" in statement for statement in statements)
    assert [one for one in statements if "content" in one.replace("length(artefacts.content)", "")] == []
    assert ask(app, "HEAD", "/status/none").status_code == 404
    core.close()


def test_the_description_says_what_each_method_can_answer(database_url: str, tmp_path: Path) -> None:
    """A GET takes no body and so refuses none; a problem has one media type, and what is referred to is there."""
    core = new_core(tmp_path, database_url, keys=False)
    described = make_service(core, http.Drain()).openapi()
    schemas = described["components"]["schemas"]
    assert {"ProblemBody", "FieldBody"} <= schemas.keys()
    ways = described["components"]["securitySchemes"].keys()
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            place = (method, path)
            answers = said["responses"]
            if method in ("get", "head"):
                assert {"400", "408", "413", "415"}.isdisjoint(answers), place
            assert ("422" in answers) == bool(said["parameters"] or "requestBody" in said), place
            assert {name for each in said["security"] for name in each} <= ways, place
            for status, answer in answers.items():
                kinds = list(answer.get("content", {}))
                assert (
                    kinds == ([] if method == "head" else ["application/problem+json"])
                    or status < "400"
                    or (place == ("get", "/readyz") and status == "503")
                ), (*place, status)
                # A file that was uploaded comes as what it is.
                assert status >= "400" or len(kinds) <= 1 or path == "/v1/files/{file_id}/content", (*place, status)
    core.close()
