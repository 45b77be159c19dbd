"""docker-compose.yaml, Dockerfile and .env.example, checked without a Docker engine."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ENV_EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
# ${NAME}, ${NAME:-default}, ${NAME:?message}; $$NAME is the container's own
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<rest>[^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|_KEY$")
PINNED = re.compile(r"^[\w./-]+:(?=[\w.-]*\d)[\w.-]+$")
WAITED_FOR = {
    name
    for service in SERVICES.values()
    for name, wait in (service.get("depends_on") or {}).items()
    if wait["condition"] == "service_completed_successfully"
}


def images() -> list[str]:
    from_dockerfile = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    return sorted({service["image"] for service in SERVICES.values()} | set(from_dockerfile))


def code(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_file_obeys_the_compose_schema() -> None:
    schema = json.loads(
        files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    )
    validator = jsonschema.validators.validator_for(schema)(schema)
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(COMPOSE)]
    assert problems == []


def test_schema_refuses_a_misspelt_key() -> None:
    schema = json.loads(
        files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    )
    wrong = {"services": {"postgres": {"image": "postgres:16.10", "healtcheck": {}}}}
    with pytest.raises(jsonschema.ValidationError, match="healtcheck"):
        jsonschema.validate(wrong, schema)


@pytest.mark.parametrize("image", images())
def test_image_is_pinned_to_an_exact_version(image: str) -> None:
    assert PINNED.match(image), image
    assert not image.endswith("latest")


@pytest.mark.parametrize(
    "image",
    [
        pytest.param("postgres", id="no_tag"),
        pytest.param("postgres:latest", id="latest"),
        pytest.param("redis:bookworm", id="no_number"),
    ],
)
def test_floating_image_would_be_found(image: str) -> None:
    assert not PINNED.match(image)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_says_whether_it_is_well(name: str) -> None:
    if name in WAITED_FOR:
        assert SERVICES[name]["restart"] == "no", "a service that ends is judged by its exit code"
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_opens_ports_on_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:"), port


def test_every_service_waits_for_services_that_exist_and_are_well() -> None:
    for name, service in SERVICES.items():
        for other, wait in (service.get("depends_on") or {}).items():
            expected = "service_completed_successfully" if other in WAITED_FOR else "service_healthy"
            assert wait["condition"] == expected, f"{name} waits for {other}"
            assert other in SERVICES, f"{name} waits for {other}"


def test_all_of_airflows_components_are_there() -> None:
    commands = {
        SERVICES[name].get("command") for name in SERVICES if isinstance(SERVICES[name].get("command"), str)
    }
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "celery worker"} <= commands


@pytest.mark.parametrize("name", sorted({m["name"] for m in VARIABLE.finditer(code(TEXT))}))
def test_variable_is_in_the_example_file(name: str) -> None:
    assert name in ENV_EXAMPLE


def test_example_file_has_no_variable_that_nothing_reads() -> None:
    assert set(ENV_EXAMPLE) == {m["name"] for m in VARIABLE.finditer(code(TEXT))}


def test_no_secret_has_a_default() -> None:
    for match in VARIABLE.finditer(code(TEXT)):
        if SECRET.search(match["name"]):
            assert match["rest"].startswith(":?") or match["rest"] == ":-", match[0]
    assert [name for name, value in ENV_EXAMPLE.items() if SECRET.search(name) and value] == []


def test_defaults_agree_with_the_example_file() -> None:
    for match in VARIABLE.finditer(code(TEXT)):
        if match["rest"].startswith(":-"):
            assert ENV_EXAMPLE[match["name"]] == match["rest"][2:], match["name"]


def test_set_up_is_one_and_the_same_everywhere() -> None:
    installer = (ROOT / "scripts/bootstrap.py").read_text()
    assert '"--require-hashes", "-r", REQUIREMENTS]' in installer
    assert "requirements.txt" in installer
    assert re.search(r"^RUN .*python scripts/bootstrap\.py$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^COPY requirements\.txt ", DOCKERFILE, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^run:.*\n\t@\$\(PYTHON\) scripts/bootstrap\.py --demo$", makefile, re.MULTILINE)
    assert re.search(r"^exec make test$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    for name in ("Dockerfile", ".ci/run"):
        assert not re.search(r"pip install", (ROOT / name).read_text()), (
            f"{name} installs past the one installer"
        )


def test_what_the_image_copies_reaches_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(sources).split():
        assert f"!{source.split('/')[0]}" in ignore, source
        assert (ROOT / source).exists(), source


def test_image_and_package_have_the_same_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    ours = {service["image"] for service in SERVICES.values() if service["image"].startswith("steadycast:")}
    assert ours == {f"steadycast:{version[1]}"}
