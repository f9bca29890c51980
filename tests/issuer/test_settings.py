"""Settings from environment and file; opening and beginning a service."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest

from icard_crypto.errors import IcardError, StateError
from issuer.core import Core
from issuer.settings import FILE_NAME, Settings
from tests.kit.issuing_service import settings_for


def write(folder: Path, content: str) -> None:
    (folder / FILE_NAME).write_text(content, "utf-8")


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the file, then the defaults."""
    write(tmp_path, 'issuer = "cn.310000"\nregions = ["310000", "310115"]\nlist_capacity = 1000\nname_zh = "上海"\n')
    monkeypatch.setenv("ICARD_ISSUER_LIST_CAPACITY", "2000")
    monkeypatch.setenv("ICARD_ISSUER_REGIONS", "440000, 440100")
    found = Settings.load(tmp_path)
    assert (found.issuer, found.list_capacity, found.regions) == ("cn.310000", 2000, ("440000", "440100"))
    assert (found.name_zh, found.environment, found.folder) == ("上海", "test", tmp_path)
    assert found.database == f"sqlite:///{tmp_path}/issuer.db"


def test_the_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the caller names none."""
    write(tmp_path, 'issuer = "cn.310000"\n')
    monkeypatch.setenv("ICARD_ISSUER_FOLDER", str(tmp_path))
    assert Settings.load().issuer == "cn.310000"


def test_secrets_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in what is printed nor in repr."""
    monkeypatch.setenv("ICARD_ISSUER_PASSPHRASE", "geheim1")
    monkeypatch.setenv("ICARD_ISSUER_DATABASE_URL", "postgresql://icard:geheim2@db.example/icard")
    found = Settings.load(tmp_path)
    assert found.known_passphrase() == b"geheim1"
    assert found.shown()["database_url"] == "postgresql://icard:***@db.example/icard"
    assert "geheim" not in repr(found) + str(found) + str(found.shown())


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('isuer = "x"', "isuer"),
        ("list_capacity = 99", "list_capacity"),
        ('list_capacity = "many"', "list_capacity"),
        ('regions = ["31"]', "regions"),
        ('status_prefix = "http://a.example/"', "status_prefix"),
        ('status_prefix = "https://a.example:443/"', "status_prefix"),
        ('status_prefix = "https://a.example/s"', "status_prefix"),
        ('environment = "prod"', "environment"),
        ('status_prefix = "https://-a.example/s/"', "status_prefix"),
        ('status_prefix = "https://a.example:70000/s/"', "status_prefix"),
        (f'status_prefix = "https://a.example/{"s" * 120}/"', "status_prefix"),
        ('issuer = "CN 1"', "issuer"),
        ('issuer = "cn..310000"', "issuer"),
        (f'issuer = "{"c" * 33}"', "issuer"),
        ('regions = ["031000"]', "regions"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, path: str) -> None:
    """With what was expected; the value itself does not show."""
    write(tmp_path, line)
    with pytest.raises(StateError) as caught:
        Settings.load(tmp_path)
    assert (caught.value.code, caught.value.path) == ("settings.value", path)
    assert caught.value.expected
    assert caught.value.found is None


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    """By its path."""
    write(tmp_path, "issuer: x")
    with pytest.raises(StateError) as caught:
        Settings.load(tmp_path)
    assert (caught.value.code, caught.value.found) == ("settings.file", str(tmp_path / FILE_NAME))


def test_the_passphrase_is_the_files_first_line(tmp_path: Path) -> None:
    """Line ends of either kind; an empty one is refused."""
    file = tmp_path / "pass"
    file.write_bytes(b"correct horse\r\nnever read")
    settings = settings_for(tmp_path, "sqlite:///x", passphrase=None, passphrase_file=file)
    assert settings.known_passphrase() == b"correct horse"
    file.write_bytes(b"\n")
    with pytest.raises(StateError) as caught:
        settings.known_passphrase()
    assert (caught.value.code, caught.value.path) == ("settings.value", "passphrase")


def test_a_service_is_begun_once(tmp_path: Path, empty_database_url: str) -> None:
    """Tables, master key and lists; a second time is refused; it opens afterwards."""
    settings = settings_for(tmp_path, empty_database_url)
    Core.create(settings).close()
    with pytest.raises(StateError) as caught:
        Core.create(settings)
    assert caught.value.code == "database.initialised"
    with closing(Core.open(settings)) as core:
        assert core.issuer.iss == "cn.310000"


def test_a_beginning_that_was_cut_off_is_taken_up_again(tmp_path: Path, empty_database_url: str) -> None:
    """The master key was written, nothing else: the same key is used."""
    from issuer.vault.at_rest import MasterKeys

    settings = settings_for(tmp_path, empty_database_url)
    made = MasterKeys.create(settings.master_key_path)
    Core.create(settings).close()
    assert MasterKeys.read(settings.master_key_path) == made


def test_tables_without_a_service_are_named(tmp_path: Path, database_url: str) -> None:
    """Migrated, never begun."""
    from issuer.vault.at_rest import MasterKeys

    settings = settings_for(tmp_path, database_url)
    MasterKeys.create(settings.master_key_path)
    with pytest.raises(StateError) as caught:
        Core.open(settings)
    assert caught.value.code == "database.not_initialised"
    assert "icard-issuer init" in caught.value.hint()


def test_another_issuers_database_is_refused(tmp_path: Path, empty_database_url: str) -> None:
    """Its cards would get the wrong name."""
    Core.create(settings_for(tmp_path, empty_database_url)).close()
    with pytest.raises(StateError) as caught:
        Core.open(settings_for(tmp_path, empty_database_url, issuer="cn.440000"))
    assert (caught.value.code, caught.value.path, caught.value.found) == ("settings.value", "issuer", "cn.440000")


@pytest.mark.parametrize("missing", ["issuer", "regions", "status_prefix"])
def test_a_service_needs_to_know_who_it_is(tmp_path: Path, missing: str) -> None:
    """Nothing is made before everything is said."""
    settings = settings_for(tmp_path, f"sqlite:///{tmp_path}/x.db", **{missing: ""})
    with pytest.raises(StateError) as caught:
        Core.create(settings)
    assert (caught.value.code, caught.value.path) == ("settings.value", missing)
    assert list(tmp_path.iterdir()) == []


def test_the_database_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The file and its journals."""
    with closing(Core.create(settings_for(tmp_path, f"sqlite:///{tmp_path}/x.db"))):
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("x.db*")}
    assert modes == {0o600}


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One error with a code, whatever the system calls it."""
    with pytest.raises(IcardError) as caught:
        Core.create(settings_for(tmp_path / "absent", f"sqlite:///{tmp_path}/absent/x.db"))
    assert caught.value.code == "file.unwritable"


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    """What an address would read as an escape is a part of the name."""
    folder = tmp_path / "a%20b?c#d"
    folder.mkdir()
    with closing(Core.create(settings_for(folder, "").model_copy(update={"database_url": None}))):
        assert (folder / "issuer.db").exists()
