"""deploy/compose.yaml: read as an engine would, for none runs here: names that are declared, settings and commands that
the program has, images that the Containerfile makes, and nothing that a container does not need."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml  # type: ignore[import-untyped]

from issuer.cli.commands import app
from issuer.settings import PREFIX, Settings
from tests.deploy.test_containerfile import stages
from tests.kit.cli import run

FILE = Path(__file__).parent.parent.parent / "deploy" / "compose.yaml"
FOUND: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = FOUND["services"]
OURS = ("begin", "server", "worker")
#: The keys of the Compose specification (05-services.md) that the file uses; a misspelt one is none of them.
KEYS = {
    *(
        "image",
        "build",
        "restart",
        "read_only",
        "cap_drop",
        "security_opt",
        "tmpfs",
        "stop_grace_period",
        "stop_signal",
    ),
    *("environment", "secrets", "volumes", "networks", "depends_on", "healthcheck", "profiles", "command", "ports"),
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_nothing_that_the_specification_does_not_know(name: str) -> None:
    """Every key is one of Compose's, and what is named is declared at the top."""
    service = SERVICES[name]
    assert set(service) <= KEYS
    assert {each.partition(":")[0] for each in service["volumes"]} <= set(FOUND["volumes"])
    assert set(service["networks"]) <= set(FOUND["networks"])
    assert set(service["secrets"]) <= set(FOUND["secrets"])
    for other, condition in service.get("depends_on", {}).items():
        assert "test" in SERVICES[other]["healthcheck"]
        assert condition == {"condition": "service_healthy"}


def refused(content: Any) -> list[str]:
    """What the JSON schema of the Compose specification, which check-jsonschema has a copy of, says against a file."""
    text = (resources.files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json").read_text("utf-8")
    return [each.message for each in jsonschema.Draft202012Validator(json.loads(text)).iter_errors(content)]


def test_the_file_is_valid_by_the_schema_of_the_specification() -> None:
    """And one with a misspelt key or a list for a text is not."""
    assert refused(FOUND) == []
    for name, value in (("health_check", {"disable": True}), ("stop_grace_period", [120])):
        assert refused({**FOUND, "services": {**SERVICES, "server": {**SERVICES["server"], name: value}}}) != [], name


def test_all_that_is_declared_is_used() -> None:
    """No volume, network or secret is left over; a secret is a file of its own folder."""
    assert set(FOUND) == {"name", "x-service", "services", "networks", "volumes", "secrets"}
    for kind in ("volumes", "networks", "secrets"):
        used = {each.partition(":")[0] for service in SERVICES.values() for each in service[kind]}
        assert used == set(FOUND[kind])
    assert {name: f"./secrets/{name}" for name in FOUND["secrets"]} == {
        name: secret["file"] for name, secret in FOUND["secrets"].items()
    }


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_runs_what_there_is_with_what_it_needs(name: str) -> None:
    """Its command and settings are the program's, secrets come as files that it is given, and what it writes to are
    volumes that the image made for its user."""
    service = SERVICES[name]
    image = stages()[service["build"]["target"]]
    assert (FILE.parent / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    command = [word for word in service["command"] if word.startswith("--")]
    shown = run(app, service["command"][0], "--help", COLUMNS="200").out
    assert all(option in shown for option in command)
    settings = {key.removeprefix(PREFIX).lower(): value for key, value in service["environment"].items()}
    assert set(settings) <= set(Settings.model_fields)
    for place in (value for value in settings.values() if value.startswith("/run/secrets/")):
        assert place.rpartition("/")[2] in service["secrets"]
    made = " ".join(rest for kind, rest in image.steps if kind in ("RUN", "VOLUME"))
    ours = [each.partition(":")[2] for each in service["volumes"] if "icard" in each.partition(":")[2]]
    assert len(ours) == 3
    assert all(re.search(rf"{folder}\b", made) for folder in ours)
    assert Path(settings["master_key_file"]).parent != Path("/var/lib/icard-issuer")


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_do_no_more_than_it_must(name: str) -> None:
    """No write outside its volumes, no capability, no new privileges, two minutes to end."""
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["stop_grace_period"] == "120s"
    assert (service["healthcheck"] == {"disable": True}) if name != "server" else ("healthcheck" not in service)


def test_only_the_server_is_open_and_to_its_own_host_alone() -> None:
    """Its port is bound to the loopback address, for the proxy whose requests come from the network's gateway; the
    database has none."""
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"server": ["127.0.0.1:8081:8081"]}
    (network,) = FOUND["networks"]["issuer"]["ipam"]["config"]
    assert SERVICES["server"]["environment"]["ICARD_ISSUER_TRUSTED_PROXIES"] == f"{network['gateway']}/32"


def test_the_settings_of_production_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the page's secrets no rule of production is broken."""
    from issuer import production

    (tmp_path / "passphrase").write_text("b" * 32)
    (tmp_path / "database-url").write_text("postgresql://icard:geheim@/icard?host=/var/run/postgresql\n")
    given = {
        "ENVIRONMENT": "production",
        "ISSUER": "cn.310000",
        "REGIONS": "310000",
        "STATUS_PREFIX": "https://icard.shanghai.cn/s/",
    }
    for name, value in SERVICES["server"]["environment"].items():
        short = name.removeprefix(PREFIX)
        monkeypatch.setenv(name, given.get(short, value.replace("/run/secrets", str(tmp_path))))
    found = Settings.load(tmp_path)
    assert list(production.faults(found)) == []
    production.require_listening(found, SERVICES["server"]["command"][2], secured=False)
