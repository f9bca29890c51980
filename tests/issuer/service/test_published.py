"""The published tree over HTTP."""

from __future__ import annotations

from pathlib import Path

from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.publication import checkpoints
from issuer.publication.export import export
from issuer.publication.publish import publish
from issuer.service.app import make_app
from tests.kit.http_clients import ask
from tests.kit.issuing_service import person
from tests.kit.signed_domain import published_core
from verifier.runtime import http

_FOR_EVER = "public, max-age=31536000, immutable"


def test_the_served_tree_is_the_exported_one(database_url: str, tmp_path: Path) -> None:
    """Every exported file has the same path and bytes over HTTP, for anyone; known ones are 304, a new one is not."""
    core = published_core(tmp_path, database_url)
    (issued,) = cards.issue(core, [NewCard(person(1))], Actor("officer:1"))
    publish(core)
    checkpoints.make(core, tmp_path / "checkpoints")
    app = make_app(core, http.Drain())
    tags = {}
    tree = tmp_path / "www"
    paths = export(core, tree).written
    assert {path.partition("/")[0] for path in paths} == {"audit", "trust", "status", "bundle.cbor", "timestamp.cbor"}
    for path in paths:
        whole = ask(app, "GET", f"/{path}")
        never_changes = path.startswith(("trust/", "audit/")) and path != "trust/latest.cbor"
        assert (whole.status_code, whole.content) == (200, (tree / path).read_bytes())
        assert whole.headers["cache-control"] == (_FOR_EVER if never_changes else "public, no-cache")
        assert "content-encoding" not in whole.headers
        tags[path] = whole.headers["etag"]
        for known in (tags[path], f'"other", W/{tags[path]}'):
            same = ask(app, "GET", f"/{path}", headers={"If-None-Match": known})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tags[path])
    cards.suspend(core, issued.card_id, Actor("officer:1"))
    publish(core)
    for path in export(core, tree).written:
        newer = ask(app, "GET", f"/{path}", headers={"If-None-Match": tags[path]})
        assert (newer.status_code, newer.content) == (200, (tree / path).read_bytes())
    core.close()


def test_what_is_not_published_is_404(database_url: str, tmp_path: Path) -> None:
    """A trust list that does not exist yet is 404, as a verifier expects; hostile names never reach the database."""
    core = published_core(tmp_path, database_url)
    app = make_app(core, http.Drain())
    for path in ("/timestamp.cbor", "/bundle.cbor", "/trust/2.cbor", "/status/none", "/audit/1.cbor"):
        answer = ask(app, "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "http.not_found"), path
    for path in ("/trust/%00.cbor", "/status/..%5Cissuer", "/trust/" + "1" * 100 + ".cbor"):
        assert ask(app, "GET", path).status_code == 422, path
    core.close()
