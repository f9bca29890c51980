"""Kill -9 in the midst of a publication: the one before stands, or this one, whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from icard_crypto.lists import tree
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.publication.publish import publish
from tests.kit.issuing_service import person
from tests.kit.mortal_process import PUBLISHING, Host
from tests.kit.signed_domain import bundle_domain, file_of, published_core, verdicts, versions

pytestmark = pytest.mark.slow
BY = Actor("officer:1", "a test")


def test_a_publisher_that_dies_leaves_a_whole_publication(tmp_path: Path, database_url: str) -> None:
    """It dies once its lists are signed, once the timestamp is, when all is written and not committed, and afterwards:
    what is published is then the publication before, but for the last, and the next publisher publishes the change."""
    core = published_core(tmp_path, database_url)
    with Host.on(tmp_path, database_url) as host:
        for number, (point, there) in enumerate(PUBLISHING.items()):
            (issued,) = cards.issue(core, [NewCard(person(number))], BY)
            publish(core)
            cards.suspend(core, issued.card_id, BY)
            texts = [code.text for code in issued.codes]
            before = versions(core)
            host.start(publish=point).gone()
            assert (versions(core) != before) is there, point
            assert bundle_domain(file_of(core, tree.BUNDLE), int(time.time())).timestamp is not None
            assert [str(one.reason) for one in verdicts(core, texts)] == ["suspended" if there else "valid"] * 3, point
            publish(core)
            assert [str(one.reason) for one in verdicts(core, texts)] == ["suspended"] * 3, point
    assert list(tmp_path.glob("fault.*")) == []
    core.close()
