"""What may be a password, and what costs too much to look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import StateError
from issuer.accounts.password_rules import LONGEST, SHORTEST, check_password

LOGIN = "zhang.wei@cards.example"


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("correct horse battery", None),
        ("Tr0ub4dor&3xyz", None),
        ("龘靐齉爩鱻麤龗灪吁龖厵滟", None),
        ("rosebud tango 41", None),
        ("short", "password.too_short"),
        ("", "password.too_short"),
        ("x" * 129, "password.too_long"),
        ("x" * 1_000_000, "password.too_long"),
        ("e\u0301" * 6, "password.too_short"),
        ("111111111111", "password.too_common"),
        ("Password123456!", "password.too_common"),
        ("qwertyuiop12", "password.too_common"),
        ("abc9abc9abc9", "password.too_common"),
        ("woaini5201314", "password.too_common"),
        ("zhang.wei2026", "password.too_common"),
        ("password" * 16, "password.too_common"),
    ],
)
def test_passwords(password: str, expected: str | None) -> None:
    """Long enough, and made of more than words, rows and repetitions that are tried first; never shown."""
    if expected is None:
        assert check_password(password, LOGIN) == password
        return
    with pytest.raises(StateError) as caught:
        check_password(password, LOGIN)
    assert caught.value.code == expected
    assert caught.value.path == "password"
    assert len(str(caught.value)) < 200


@given(st.text(max_size=400))
def test_any_text_is_taken_or_refused(password: str) -> None:
    """What is taken has its length and its one form: taken again it is the same."""
    try:
        normal = check_password(password, LOGIN)
    except StateError as fault:
        assert fault.layer == "password"  # noqa: PT017 - either outcome is right
        return
    assert SHORTEST <= len(normal) <= LONGEST
    assert check_password(normal, LOGIN) == normal
