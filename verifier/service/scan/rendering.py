"""The page and its parts as HTML.

Promises:

1. Everything that comes from outside is escaped; the only unescaped markup is the package's own icons.
2. A name that a template misspells is an error, not an empty place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import jinja2
from markupsafe import Markup

from verifier.knowledge.trust import TrustDomain

from .desk import Desk, Seen
from .freshness import Age, age_of_knowledge, age_words
from .settings import CHOICES, PageSettings, offered
from .static_files import StaticFiles, icons
from .view import Answer, answer, worst_first
from .words import LANGUAGES, Words

__all__ = ["Pages"]

#: The style sheets, in the order in which they count.
_STYLES: Final = ("tokens", "page", "answer", "media")
#: Scripts that no module imports.
_NO_MODULES: Final = ("js/start.js", "js/frames-worker.js")
#: The words that scripts say.
_SAID: Final = (
    *("starting", "camera_on", "seen", "checking", "checking_new", "ready_next", "receiving", "input_method"),
    *("scanner_ready", "hint_near"),
    *("hint_light", "hint_photo", "resting", "removed", "goes_in", "no_code", "no_code_do", "busy_fact", "updating"),
    *("next_in", "one_file", "one_file_do", "file_kind", "file_kind_do", "file_large", "file_large_do", "text_large"),
    *("text_large_do", "offline_fact"),
    *("camera_blocked", "camera_none", "camera_busy", "camera_insecure", "step_lock", "step_allow", "step_again"),
    *("step_connect", "step_https", "test_band", "test_page", "age_unknown"),
)


_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


class Pages:
    """Renders for one desk.

    Args:
        desk: what it knows and may do.
        files: what a page names.
    """

    def __init__(self, desk: Desk, files: StaticFiles) -> None:
        self._desk = desk
        #: By rule, of which there are few: the domains, the second, and the age.
        self._ages: dict[str, tuple[tuple[TrustDomain, ...], int, Age | None]] = {}
        self._static = files.folder
        # A module that another one imports would be asked for only once that one had come: a round trip for each.
        self._modules = [name for name in files.names(".js") if name not in _NO_MODULES]
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("verifier.service.scan"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        drawn = {name: Markup(svg) for name, svg in icons("verifier.service.scan").items()}  # noqa: S704 - promise 1
        self._templates.globals["icon"] = drawn.__getitem__
        self._templates.tests["chinese"] = lambda text: _CHINESE.search(text) is not None

    def fragment(self, seen: Sequence[Seen], settings: PageSettings) -> str:
        """The answer alone, for scripts to put in."""
        given = self._answers(seen, settings)
        return self._render("fragment.html", settings, given=given, scripted=True, inline_photos=False)

    def age(self, settings: PageSettings) -> tuple[str, str]:
        """The line on the age of what is known, and its level."""
        text, level = self._age(settings)
        return self._render("age.html", settings, age_text=text), level

    def page(
        self,
        settings: PageSettings,
        *,
        seen: Sequence[Seen] = (),
        fault: tuple[str, str] | None = None,
        scripted: bool = True,
    ) -> str:
        """The whole page.

        Args:
            seen: the answer in it, for a browser without scripts.
            fault: why there is no answer, and what to do.
            scripted: whether scripts put in what comes next.
        """
        words = Words(settings.language)
        given = self._answers(seen, settings)
        environments = {domain.environment for domain in self._desk.domains()}
        test_page = environments == {"test"}
        text, level = self._age(settings)
        return self._render(
            "page.html",
            settings,
            given=given,
            fault=fault,
            test=any(each.test for each in given) or (test_page and not given),
            test_page=test_page,
            rule=settings.policy.name,
            fixed=settings.fixed,
            rules=[policy.name for policy in offered(self._desk.policies)],
            kept=settings.asked,
            chosen=settings.choices,
            choices=_choices(words),
            languages=LANGUAGES,
            queries={language: settings.query(lang=language) for language in LANGUAGES},
            other_words=Words("zh" if settings.language == "en" else "en"),
            said=_SAID,
            static=self._static,
            styles=_STYLES,
            modules=self._modules,
            age_text=text,
            age_level=level,
            scripted=scripted,
            inline_photos=not scripted,
        )

    def _answers(self, seen: Sequence[Seen], settings: PageSettings) -> list[Answer]:
        words, known = Words(settings.language), self._known(settings)
        return worst_first([answer(each, words, known) for each in seen])

    def _known(self, settings: PageSettings) -> Age | None:
        # Thousands of lists take milliseconds: once a second for each rule, however many ask.
        domains, now, rule = self._desk.domains(), self._desk.now(), settings.policy.name
        kept = self._ages.get(rule)
        if kept is None or kept[0] is not domains or kept[1] != now:
            kept = self._ages[rule] = domains, now, age_of_knowledge(domains, settings.policy, now)
        return kept[2]

    def _age(self, settings: PageSettings) -> tuple[str, str]:
        words, age = Words(settings.language), self._known(settings)
        if age is None:
            domains = self._desk.domains()
            if any(domain.fault for domain in domains):
                return words("lists_unread"), "over"
            return (words("lists_none"), "good") if domains else (words("lists_missing"), "over")
        return age_words(age, words), age.level

    def _render(self, template: str, settings: PageSettings, **values: Any) -> str:
        return self._templates.get_template(template).render(
            words=Words(settings.language),
            can_update=self._desk.can_update,
            contact=self._desk.contact,
            query=settings.query(),
            **values,
        )


def _choices(words: Words) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Each setting with its label and its options: value, words."""
    labels = {"sound": "sound", "vibration": "vibration", "next": "auto_next", "keep": "keep", "theme": "theme"}
    return [(name, labels[name], [(value, _told(name, value, words)) for value in CHOICES[name]]) for name in CHOICES]


def _told(name: str, value: str, words: Words) -> str:
    if name == "next":
        return words("off") if value == "0" else words("after", seconds=value)
    return words("for_seconds", seconds=value) if name == "keep" else words(value)
