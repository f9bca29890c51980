"""A visit: one request of a person to the portal, and the page that answers it.

Promises:

1. A page has the words, the person, the way around and the tokens of its forms from here; no page builds them itself.
2. An act is answered by a redirect to a page (303), so that neither Back nor Reload repeats it; what is said there
   comes from a closed list of names, never from the address.
3. What was typed stays: a form that was refused, or whose language was switched, comes back with its values, secrets
   excepted.
4. Addresses to return to are the portal's own paths.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import UploadFile

from issuer.accounts import directory, login
from issuer.accounts.directory import AccountView
from issuer.accounts.fields import check_text
from issuer.accounts.principals import FRESH
from issuer.accounts.sessions import Entered, csrf_token
from issuer.core import Core
from issuer.rules.days import parse_day
from issuer.service.context import Call
from issuer.service.cookies import clear_session, set_cookies

from .catalogue import LANGUAGES, Words
from .faults import FieldError, FormFault
from .frame import Frame
from .navigation import navigation
from .rendering import BASE, POLICY
from .view_settings import ViewSettings

__all__ = ["HEADERS", "SECRETS", "Visit", "own_path"]

#: Fields whose values are never sent back.
SECRETS: Final = frozenset({"password", "old", "new", "again", "code", "token", "proof", "csrf"})
#: Fields that the portal itself puts into forms.
_OURS: Final = frozenset({"csrf", "key", "version", "switch", "draft", "next"})
_LONGEST_REASON: Final = 500
_PATH: Final = re.compile(r"/portal/[A-Za-z0-9/_.-]*(?:\?[A-Za-z0-9=&_.%-]*)?")
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
    # With no-referrer, browsers send "Origin: null" with a form, which would look like another site's (Fetch, 3.2).
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_WITH_CAMERA: Final = HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")


def own_path(path: str | None) -> str:
    """A path of the portal to go to; its first page for anything else, so that no address leads away from here."""
    return path if path and _PATH.fullmatch(path) and "//" not in path and ".." not in path else BASE


@dataclass
class Visit:
    """A request that its guard let through.

    Attributes:
        form: the fields of a form that was sent; None: none was.
        view: language and text size.
        account: of the person, where somebody is logged in.
        errors: of the form, which make its page come back.
        status: of the page that comes back.
        camera: whether the page that comes may ask for the camera.
        entered: a session that this visit has begun or renewed: its cookies go with whatever the answer is.
    """

    frame: Frame
    request: Request
    call: Call
    view: ViewSettings
    form: Mapping[str, Sequence[str]] | None = None
    account: AccountView | None = None
    errors: list[FieldError] = field(default_factory=list)
    status: int = 200
    entered: Entered | None = None
    camera: bool = False

    @property
    def core(self) -> Core:
        """The issuing core."""
        return self.call.core

    @property
    def words(self) -> Words:
        """The words of the page's language."""
        return Words(self.view.language)

    @property
    def now(self) -> int:
        """The service's Unix time."""
        return int(self.core.clock.local())

    def text(self, name: str) -> str:
        """A field of the form; empty where it was left out."""
        return (self.form or {}).get(name, ("",))[0].strip()

    def secret(self, name: str) -> str:
        """A field as it was typed, blanks included."""
        return (self.form or {}).get(name, ("",))[0]

    def upload(self, name: str) -> tuple[bytes, str] | None:
        """A file that a form brings, and the media type that its browser gives it; None: none was chosen."""
        found = getattr(self.request.state, "form", {}).get(name)
        if not isinstance(found, UploadFile) or not found.filename:
            return None
        return found.file.read(), (found.content_type or "").partition(";")[0].strip().lower()

    def file(self, name: str) -> str:
        """The text of a file that a form brings, UTF-8 or GB 18030; empty: none was chosen.

        Raises:
            FormFault: it is neither.
        """
        found = getattr(self.request.state, "form", {}).get(name)
        content: bytes = found.file.read() if isinstance(found, UploadFile) else b""
        for encoding in ("utf-8-sig", "gb18030"):
            with contextlib.suppress(UnicodeError):
                return content.decode(encoding)
        raise self.refuse(name, "forms.no_text")

    def every(self, name: str) -> list[str]:
        """All values of a field, for boxes to tick."""
        return list((self.form or {}).get(name, ()))

    def query(self, name: str) -> str:
        """A part of the address."""
        return self.request.query_params.get(name, "")

    def require(self, *names: str) -> None:
        """Refuse a form in which one of these is empty, naming all that are.

        Raises:
            FormFault
        """
        missing = [name for name in names if not self.text(name)]
        if missing:
            raise FormFault([FieldError(name, self.words("forms.missing")) for name in missing])

    def reason(self) -> str:
        """The field ``reason``: words that reorder and hide nothing where the audit is read.

        Raises:
            Invalid: ``account.field``.
        """
        return check_text(self.text("reason"), "reason", _LONGEST_REASON)

    def refuse(self, name: str, words: str, /, **places: object) -> FormFault:
        """The fault of a field in the portal's own words, to be raised."""
        return FormFault([FieldError(name, self.words(words, **places))])

    def page(self, template: str, /, **values: Any) -> Response:
        """A page."""
        who, words = self.call.who_or_none, self.words
        token = self.entered.token if self.entered is not None else self.call.token_or_none
        html = self.frame.templates.render(
            f"pages/{template}",
            t=words,
            view=self.view,
            visit=self,
            who=who if who is not None and who.full else None,
            account=self.account,
            nav=navigation(self.core, who, self.request.url.path, words),
            authority=self.frame.authority(words.language),
            contact=self.frame.contact,
            test=self.core.settings.environment == "test",
            csrf=csrf_token(token) if token and who is not None else "",
            key=secrets.token_hex(16),
            errors=self.errors,
            wrong={error.field: error.text for error in self.errors if error.field},
            values=self._typed(),
            done=self._done(),
            path=self.request.url.path,
            here=self._here(),
            languages=LANGUAGES,
            switches={name: self._address(lang=name) for name in LANGUAGES},
            sizes={"normal": self._address(text="normal"), "large": self._address(text="large")},
            **values,
        )
        headers = {**HEADERS, "Permissions-Policy": _WITH_CAMERA} if self.camera else HEADERS
        return self._kept(HTMLResponse(html, self.status, headers=headers))

    def go(self, path: str, *, done: str | None = None) -> Response:
        """A redirect to a page of the portal.

        Args:
            path: below the portal's base, or a whole path of it.
            done: what was done, a name in ``words/done.json``.
        """
        address = own_path(path if path.startswith(BASE) else BASE + path)
        if done is not None:
            address += ("&" if "?" in address else "?") + urlencode({"done": done})
        return self._kept(RedirectResponse(address, 303, headers={"Cache-Control": "no-store"}))

    def leave(self, path: str, *, done: str | None = None) -> Response:
        """A redirect after which nobody is logged in."""
        return self.over(self.go(path, done=done))

    def enter(self, entered: Entered) -> None:
        """Go on in a session that was just begun or renewed."""
        self.entered = entered
        self.account = directory.own_account(self.core, entered.who)
        self.call = replace(self.call, who_or_none=entered.who, token_or_none=entered.token)

    def number(self, name: str) -> int:
        """A field as a whole number.

        Raises:
            FormFault
        """
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise self.refuse(name, "forms.digits")
        return int(text)

    def day(self, name: str) -> date:
        """A field as a day.

        Raises:
            FormFault
        """
        try:
            return parse_day(self.text(name))
        except ValueError:
            raise self.refuse(name, "filing.day_form") from None

    def give_code(self) -> None:
        """Take the code of the authenticator app that a form asks for, where the session's is not fresh enough.

        Raises:
            FormFault, StateError: it is missing, or wrong.
        """
        if self.text("code"):
            self.enter(login.step_up(self.core, self.call.token, self.text("code"), self.call.origin))

    def over(self, response: Response) -> Response:
        """An answer after which nobody is logged in."""
        clear_session(response)
        return response

    def fresh(self) -> bool:
        """Whether the session's TOTP code is fresh enough for dual control."""
        at = self.call.who.totp_at
        return at is not None and self.now - at <= FRESH

    def _kept(self, response: Response) -> Response:
        self.view.keep(response)
        if self.entered is not None:
            set_cookies(response, self.entered)
        return response

    def _typed(self) -> dict[str, str]:
        return {name: values[0] for name, values in (self.form or {}).items() if name not in SECRETS | _OURS}

    def draft(self) -> dict[str, list[str]]:
        """What was typed, without secrets: for a form whose session has ended meanwhile."""
        return {name: list(values) for name, values in (self.form or {}).items() if name not in SECRETS | _OURS}

    def _done(self) -> str | None:
        name = f"done.{self.query('done')}"
        return self.words(name) if self.words.has(name) else None

    def _here(self) -> str:
        query = self.request.url.query
        return own_path(self.request.url.path + (f"?{query}" if query else ""))

    def _address(self, **changes: str) -> str:
        kept = {name: value for name, value in self.request.query_params.items() if name not in ("done", *changes)}
        return "?" + urlencode({**kept, **changes})
