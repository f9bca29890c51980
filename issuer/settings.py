"""Settings of the issuing service: environment, then a file, then defaults.

Promises:

1. Every setting is an environment variable ``ICARD_ISSUER_<NAME>`` and a name in ``icard-issuer.toml`` in the service's
   folder; the environment wins. An unknown name in the file is an error, for it is most often a misspelt one.
2. A wrong value is an error that names the setting and never shows the value.
3. Passphrases and a database's password never show in what :meth:`Settings.shown` gives or in ``repr``.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from icard_crypto.errors import DecodeError, StateError
from icard_crypto.lists.list_maps import FIELDS, ListField, check_value
from icard_crypto.lists.uris import check_prefix
from verifier.runtime.files import FileFault, read_capped
from verifier.runtime.outbound.addresses import networks

__all__ = ["FILE_NAME", "PREFIX", "Settings", "first_line", "has_password"]

PREFIX: Final = "ICARD_ISSUER_"
FILE_NAME: Final = "icard-issuer.toml"
_PUBLIC_URL: Final = re.compile(r"https://[a-z0-9.-]+(?::[0-9]{1,5})?/(?:[A-Za-z0-9._-]+/)*")
_MAILBOX: Final = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def _as_listed(value: str, field: ListField) -> None:
    """Check a value against what a trust list may say: what cannot be there would stop the service later."""
    try:
        check_value(value, field, "trust", field.name)
    except DecodeError as fault:
        raise ValueError(fault.expected) from None


class Settings(BaseSettings):
    """The service's settings. Paths that are not given lie in ``folder``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=False)

    folder: Path = Field(Path("."), description="Where the service keeps its files.")
    database_url: SecretStr | None = Field(None, description="sqlite:///path or postgresql://; default: issuer.db.")
    database_url_file: Path | None = Field(None, description="Its first line is the database's address.")
    sqlite_in_production: bool = Field(
        False, description="Whether SQLite is meant where the environment is production."
    )
    master_key_file: Path | None = Field(None, description="Default: master.key. Keep a copy elsewhere.")
    epoch_file: Path | None = Field(None, description="Default: epoch; better where no backup puts it back.")
    checkpoints: Path | None = Field(None, description="Folder of the audit's checkpoints; better where no backup is.")
    published: Path | None = Field(None, description="The folder of published files, compared at start.")
    keystore: Path | None = Field(None, description="Folder of the signing keys; default: keys.")
    uploads: Path | None = Field(None, description="Folder of uploaded files, one for all servers; default: uploads.")
    passphrase: SecretStr | None = Field(None, description="Of the keystore; better in a file.")
    passphrase_file: Path | None = Field(None, description="Its first line is the keystore's passphrase.")
    issuer: str = Field("", description="Short id of the authority, such as cn.310000.")
    name_en: str = Field("", description="The authority's name in English, for the trust list.")
    name_zh: str = Field("", description="The authority's name in Chinese.")
    regions: Annotated[tuple[str, ...], NoDecode] = Field((), description="GB/T 2260 codes, separated by commas.")
    environment: Literal["test", "production"] = Field("test", description="Of the trust domain.")
    status_prefix: str = Field("", description="What the status lists' addresses begin with: https://host/path/")
    compare_published: bool = Field(
        True, description="Whether what is served at the status prefix is compared with what was published."
    )
    status_ca_file: Path | None = Field(None, description="PEM certificates of a private authority, for that.")
    direct_issuing: bool = Field(
        False,
        description="Whether cards are issued and changed without an approved application: "
        "for an authority that keeps its permits elsewhere.",
    )
    list_capacity: int = Field(65536, ge=100, le=10_000_000, description="Entries of a new status list.")
    public_url: str = Field(
        "", description="Where people find the portal, for links: https://host/. Other Hosts are then refused."
    )
    help_contact: str = Field("", description="How people reach the office: shown on the portal's pages.")
    smtp_host: str = Field("", description="The server that takes e-mail; without one, notices go by no e-mail.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How it is secured; none only on this machine."
    )
    smtp_user: str = Field("", description="The login there, if it asks for one.")
    smtp_password_file: Path | None = Field(None, description="Its first line is that login's password.")
    smtp_ca_file: Path | None = Field(None, description="PEM certificates of a private authority.")
    mail_from: str = Field("", description="The sender's address of all e-mail.")
    webhook_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks that webhooks may be in beside the open internet, separated by commas."
    )
    webhook_ca_file: Path | None = Field(None, description="PEM certificates of a private authority.")
    notice_hours: int = Field(72, ge=1, le=720, description="After which an undelivered notice is a dead letter.")
    notice_days: int = Field(30, ge=1, le=400, description="For which what was sent of a notice is kept.")
    inbox_days: int = Field(400, ge=1, le=4000, description="For which inboxes and dead letters are kept.")
    scrypt_log2: int = Field(17, ge=14, le=20, description="Cost of the keystore's passphrase: 2^n.")
    argon2_memory_kib: int = Field(65536, ge=7168, le=4_194_304, description="Memory of one password hash, KiB.")
    argon2_passes: int = Field(3, ge=1, le=100, description="Passes of a password hash.")
    argon2_lanes: int = Field(4, ge=1, le=64, description="Lanes of a password hash.")
    argon2_at_once: int = Field(4, ge=1, le=64, description="Password hashes computed at once in one process.")
    session_idle: int = Field(1800, ge=60, le=86_400, description="Seconds after which an unused session ends.")
    session_longest: int = Field(43_200, ge=300, le=604_800, description="Seconds after which any session ends.")
    invitation_hours: int = Field(72, ge=1, le=720, description="Hours for which an invitation holds.")
    stranger_logins_per_second: float = Field(
        4, gt=0, le=1000, description="Log-ins a second of all devices together that are not known."
    )
    serve_threads: int = Field(8, ge=1, le=256, description="Requests that one server works on at one time.")
    database_connections: int | None = Field(
        None, ge=1, le=1000, description="Of one process, on PostgreSQL; default: serve_threads and 26 beside."
    )
    account_per_second: float = Field(20, gt=0, description="Requests a second of one account, or one address.")
    account_burst: int = Field(100, ge=1, description="Requests at once of one account, or one address.")
    published_per_second: float = Field(200, gt=0, description="Requests a second of one address for public files.")
    published_burst: int = Field(1000, ge=1, description="Requests at once of one address for public files.")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Proxies whose X-Forwarded-For is believed, separated by commas."
    )
    paper_files: bool = Field(
        True,
        description="Whether an application is filed only with a file of each paper that is handed in.",
    )
    most_drafts: int = Field(
        200, ge=1, le=100_000, description="Drafts of applications that one organisation, or one person, has at a time."
    )
    card_photo_bytes: int = Field(
        400, ge=0, le=2048, description="Bytes of the photo that an approved application puts into a code; 0: none."
    )
    most_upload_mib: int = Field(
        10_240,
        ge=20,
        le=10_485_760,
        description="Files of one organisation's applications that are open, or were changed within 30 days, in MiB.",
    )
    factor_wait_hours: int = Field(
        24, ge=0, le=720, description="Hours after a recovery or a new second factor without acts under dual control."
    )
    lookup_days: int = Field(1095, ge=90, le=36_500, description="For which look-ups and reads are kept.")
    deferral_days: int = Field(
        180, ge=1, le=730, description="Days for which an inquiry may keep look-ups from a person, by one confirmation."
    )
    idempotency_days: int = Field(30, ge=1, le=4000, description="For which a request that was taken is known again.")
    audit_details_days: int = Field(1095, ge=30, le=36_500, description="Younger details of acts are never purged.")
    confirmation_hours: int = Field(72, ge=1, le=720, description="Hours for which a second person may confirm.")

    @field_validator("regions", "webhook_networks", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("regions")
    @classmethod
    def _six_digits(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for region in value:
            _as_listed(region, FIELDS["region"]["region"])
        return value

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not _PUBLIC_URL.fullmatch(value):
            raise ValueError("https://host/ with a final slash")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        if value and not _MAILBOX.fullmatch(value):
            raise ValueError("an address such as notices@cards.example")
        return value

    @field_validator("webhook_networks", "trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            networks(value)
        except StateError as fault:
            raise ValueError(fault.expected) from None
        return value

    @field_validator("status_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        try:
            if value:
                check_prefix(value, "status_prefix")
        except DecodeError as fault:
            raise ValueError(fault.expected) from None
        return value

    @field_validator("issuer")
    @classmethod
    def _short_id(cls, value: str) -> str:
        if value:
            _as_listed(value, FIELDS["issuer"]["iss"])
        return value

    @classmethod
    def load(cls, folder: Path | None = None) -> Settings:
        """The settings of the service in ``folder`` (default: ``ICARD_ISSUER_FOLDER``, else the current folder).

        Raises:
            StateError: ``settings.file``, ``settings.value``; ``path`` names the setting.
        """
        place = folder or Path(os.environ.get(PREFIX + "FOLDER", "."))
        path = place / FILE_NAME

        class FromFile(cls):  # type: ignore[valid-type, misc]
            model_config = SettingsConfigDict(toml_file=path)

            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                init_settings: PydanticBaseSettingsSource,
                env_settings: PydanticBaseSettingsSource,
                dotenv_settings: PydanticBaseSettingsSource,
                file_secret_settings: PydanticBaseSettingsSource,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

        try:
            values = FromFile(folder=place).model_dump()
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise StateError("settings.file", expected="TOML", found=str(path)) from None
        except ValidationError as fault:
            first = fault.errors(include_input=False, include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            raise StateError("settings.value", path=name, expected=_expected(first["msg"])) from None
        return cls.model_construct(**values)

    def connections(self, beside: int) -> int:
        """Database connections of one process: one for each thread that may need one.

        Args:
            beside: what a process needs beside its threads for requests.

        Raises:
            StateError: ``settings.value``: fewer than the threads for requests would wait for each other.
        """
        needed = self.serve_threads + beside
        if self.database_connections is not None and self.database_connections < needed:
            raise StateError("settings.value", path="database_connections", expected=f"at least {needed}")
        return self.database_connections or needed

    @property
    def database(self) -> str:
        """The database's address.

        Raises:
            StateError: ``settings.value``: it is given twice, or its file is empty or no UTF-8.
            FileFault: the file cannot be read.
        """
        if self.database_url is not None:
            if self.database_url_file is not None:
                raise StateError("settings.value", path="database_url_file", expected="only one of the two")
            return self.database_url.get_secret_value()
        if self.database_url_file is not None:
            try:
                found = first_line(self.database_url_file).decode()
            except UnicodeDecodeError:
                found = ""
            if not found:
                raise StateError("settings.value", path="database_url_file", expected="a file with the address")
            return found
        # By its parts: in an address a % in the folder's name would be read as an escape.
        return URL.create("sqlite", database=str(self.folder / "issuer.db")).render_as_string(hide_password=False)

    @property
    def master_key_path(self) -> Path:
        """The master key file."""
        return self.master_key_file or self.folder / "master.key"

    @property
    def epoch_path(self) -> Path:
        """The mark of how far the database was."""
        return self.epoch_file or self.folder / "epoch"

    @property
    def keystore_path(self) -> Path:
        """The keystore's folder."""
        return self.keystore or self.folder / "keys"

    @property
    def uploads_path(self) -> Path:
        """The folder of uploaded files."""
        return self.uploads or self.folder / "uploads"

    def known_passphrase(self) -> bytes | None:
        """The keystore's passphrase, where the settings have it; None: a person has to be asked.

        Raises:
            StateError: ``settings.value``: it is empty.
            FileFault: the file cannot be read.
        """
        if self.passphrase is not None:
            found = self.passphrase.get_secret_value().encode()
        elif self.passphrase_file is not None:
            found = first_line(self.passphrase_file)
        else:
            return None
        if not found:
            raise StateError("settings.value", path="passphrase", expected="at least one byte")
        return found

    def smtp_password(self) -> str:
        """The password of the login at the mail server; empty where there is no login.

        Raises:
            StateError: ``settings.value``: a login without a password, or a password that is no UTF-8.
            FileFault: the file cannot be read.
        """
        if not self.smtp_user:
            return ""
        try:
            found = "" if self.smtp_password_file is None else first_line(self.smtp_password_file).decode()
        except UnicodeDecodeError:
            found = ""
        if not found:
            raise StateError("settings.value", path="smtp_password_file", expected="a file with the password")
        return found

    def shown(self) -> dict[str, str]:
        """All settings as text, secrets hidden, derived paths filled in."""
        values = {name: str(value) for name, value in self.model_dump().items() if value is not None}
        try:
            values["database_url"] = make_url(self.database).render_as_string(hide_password=True)
        except (ArgumentError, StateError, FileFault):
            values["database_url"] = "**********"
        values["master_key_file"] = str(self.master_key_path)
        values["epoch_file"] = str(self.epoch_path)
        values["keystore"] = str(self.keystore_path)
        values["regions"] = ",".join(self.regions)
        values["webhook_networks"] = ",".join(self.webhook_networks)
        values["trusted_proxies"] = ",".join(self.trusted_proxies)
        return {name: values.get(name, "") for name in type(self).model_fields}


def has_password(url: str) -> bool:
    """Whether a database's address has a password in it; one that cannot be read has none."""
    try:
        return make_url(url).password is not None
    except ArgumentError:
        return False


def _expected(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input should be ")


def first_line(path: Path) -> bytes:
    """The first line of a secret's file, without its end.

    Raises:
        FileFault: it cannot be read.
    """
    return read_capped(path, 4096).split(b"\n", 1)[0].rstrip(b"\r")
