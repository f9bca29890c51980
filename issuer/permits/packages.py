"""What the application for a residence permit needs of this service, as one ZIP."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from issuer.accounts.principals import Principal
from issuer.audit.reads import note_read
from issuer.core import Core
from issuer.rules.days import BEIJING
from issuer.vault.at_rest import Place
from issuer.vault.files import SealedFiles

from .entries import load_entry
from .models import Permit
from .people import organisation_record, passport_of
from .terms import newest_term, number_of, read_term
from .uploads import MOST_BYTES, newest_photo

__all__ = ["residence_package"]

_ABOUT: Final = (
    "居留许可申请材料包：permit.json 为许可信息，photo.jpg 为证件照片（如有）。\n"
    "For the residence permit: permit.json has the work permit, photo.jpg the photo where there is one.\n"
)


def residence_package(core: Core, who: Principal, entry_id: str) -> bytes:
    """The package of an entry.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``entry.none``.
        StateError: ``at_rest.*``.
    """

    def look(session: Session) -> tuple[dict[str, Any], tuple[str, bytes] | None, int]:
        entry = load_entry(core, session, who, entry_id)
        permit = session.get_one(Permit, entry.permit_id)
        term, passport = newest_term(session, permit.id), passport_of(core, session, permit.person_id)
        employer = organisation_record(core, session, term.employer_id)
        content = {
            "person": {name: passport.get(name) for name in ("surname", "given", "nationality", "birth", "sex")},
            "passport": {"number": passport.get("number"), "until": passport.get("until")},
            "permit": {
                "number": number_of(core, permit),
                "state": permit.state,
                "category": term.category,
                "post": read_term(core, term)["post"],
                "from": term.first,
                "until": term.until,
                "region": term.region,
                "employer": employer["name"],
                "employer_code": employer["code"],
            },
            "entered_on": entry.entered_on,
            "residence_permit": {"state": entry.residence, "apply_by": entry.residence_due},
        }
        photo = newest_photo(session, entry.filing_id)
        key = None if photo is None else (photo.id, core.at_rest.open(Place("uploads", "key", photo.id), photo.key))
        return content, key, core.clock.now(session)

    content, photo, now = core.database.read(look)
    if who.role.official:
        note_read(core, f"account:{who.account_id}", who.role.name, "entry.package", f"entry:{entry_id}")
    made: dict[str, bytes] = {
        "README.txt": _ABOUT.encode(),
        "permit.json": json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n",
    }
    if photo is not None:
        made["photo.jpg"] = SealedFiles(core.settings.uploads_path).read(*photo, MOST_BYTES)
    return _zip(made, now)


def _zip(files: dict[str, bytes], now: int) -> bytes:
    out = io.BytesIO()
    at = datetime.fromtimestamp(now, BEIJING).timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, at), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
