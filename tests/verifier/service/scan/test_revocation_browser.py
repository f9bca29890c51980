"""From the issuer's command to the page at a gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.kit.scan.browser import chromium, watched
from tests.kit.scan.gate import gate


def test_a_revoked_card_is_refused_on_the_page(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Issuer and service each a process, HTTPS and a sync between them: a card that was green is red on the page within
    10 s of the command that revoked it, without its photo; the other card stays green."""
    with gate(tmp_path, cards=2) as made, chromium() as browser, watched(browser, made.url) as page:
        lost, kept = made.codes
        # The first lists may be on their way still.
        made.until(page, lost, "VALID", 60)
        made.revoke(lost)
        taken = made.until(page, lost, "INVALID", 10)
        assert page.page.get_attribute("#held article", "data-reason") == "revoked"
        assert page.page.locator("#held img").count() == 0
        record_property("seconds until a revoked card was refused on the page", round(taken, 1))
        made.until(page, kept, "VALID", 10)
