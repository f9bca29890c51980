"""A permit on paper and as data: the certificate with its code, as PDF, PNG and JSON.

The certificate says what one profile of the card discloses, and has the code of that profile. How the permit stands now
is what a scan of the code shows.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Response
from pydantic import BaseModel, Field

from icard_crypto.card.card import Profile
from issuer.documents import sheets
from issuer.permits.certificates import certificate_sheet, require_card_of
from issuer.service.access import Access
from issuer.service.card_reading import read_card, read_code
from issuer.service.context import Call, CallOf
from issuer.service.endpoints import Endpoints, Id

from .codes import ProfileName

__all__ = ["endpoints"]

endpoints = Endpoints("Certificates")

_READ: Final = Access("account", ("filing.decide", "filing.read_own"), owned="permit")
_PATH: Final = "/v1/permits/{permit_id}/certificate"


class CertificateBody(BaseModel):
    """A permit's card in one profile. ``code``: the text of its QR code."""

    permit_id: str
    card_id: str
    profile: str
    card: Annotated[dict[str, Any], Field(description="As docs/format.md has it.")]
    code: str


@endpoints.at("GET", _PATH + ".pdf", _READ, types=("application/pdf",), problems=(409, 503), costly=True)
def certificate_pdf(call: CallOf, permit_id: Id, profile: ProfileName = "public") -> Response:
    """The certificate of a permit as PDF, with the code of a profile."""
    sheet, at = _sheet(call, permit_id, profile)
    return _sent(sheets.draw_pdf(sheet, at), "application/pdf")


@endpoints.at("GET", _PATH + ".png", _READ, types=("image/png",), problems=(409, 503), costly=True)
def certificate_png(call: CallOf, permit_id: Id, profile: ProfileName = "public") -> Response:
    """The certificate of a permit as a picture."""
    sheet, at = _sheet(call, permit_id, profile)
    return _sent(sheets.draw_png(sheet, at), "image/png")


@endpoints.at("GET", _PATH + ".json", _READ, problems=(409, 503))
def certificate_json(
    call: CallOf, permit_id: Id, response: Response, profile: ProfileName = "public"
) -> CertificateBody:
    """What the certificate says, as data, with the code's text."""
    response.headers["Cache-Control"] = "no-store"
    wanted = Profile[profile.upper()]
    card_id = require_card_of(call.core, call.who, permit_id, wanted)
    code = read_code(call, card_id, wanted)
    card = read_card(call, card_id).card.for_profile(wanted)
    return CertificateBody(permit_id=permit_id, card_id=card_id, profile=profile, card=card.to_json(), code=code)


def _sheet(call: Call, permit_id: str, profile: str) -> tuple[sheets.Sheet, int]:
    wanted = Profile[profile.upper()]
    card_id = require_card_of(call.core, call.who, permit_id, wanted)
    return certificate_sheet(call.core, card_id, wanted, read_code(call, card_id, wanted))


def _sent(data: bytes, media_type: str) -> Response:
    return Response(data, media_type=media_type, headers={"Cache-Control": "no-store", "Content-Disposition": "inline"})
