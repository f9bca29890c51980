"""The application form to print, sign and seal, as a download."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.permits.application_form import FORM_FILE, draw_form
from issuer.portal.pages import Pages
from issuer.portal.visits import Visit
from issuer.service.access import Access

__all__ = ["pages"]

pages = Pages()
_SEEN: Final = Access("person", ("filing.read", "filing.read_own"), owned="filing")


@pages.get("filings/{filing_id}/form", _SEEN, costly=True)
def download_form(visit: Visit, filing_id: str) -> Response:
    """The form as PDF."""
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{FORM_FILE}"'}
    return Response(draw_form(visit.core, visit.call.who, filing_id), media_type="application/pdf", headers=headers)
