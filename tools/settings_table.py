"""The table of the issuing service's settings, from the class that reads them."""

from __future__ import annotations

from typing import Any

from issuer.settings import PREFIX, Settings

__all__ = ["settings_table"]


def settings_table() -> str:
    """Every setting with its default and what it is for."""
    rows = [
        f"| `{name}` | `{PREFIX}{name.upper()}` | {_default(field.default)} | {field.description or ''} |"
        for name, field in Settings.model_fields.items()
    ]
    head = "| in the file | in the environment | default | |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    return "" if value in (None, "", ()) else f"`{value}`"
