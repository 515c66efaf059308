"""What the Dockerfile promises, read from its text; nothing here builds an image."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from server.settings import Settings, SettingsError, load_settings

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / "Dockerfile"
INSTRUCTIONS = frozenset(
    {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN"}
    | {"STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)


class Instruction(msgspec.Struct, frozen=True):
    """One instruction with its continuation lines joined; `stage` counts the FROMs before it, from 0."""

    name: str
    text: str
    stage: int


def read_instructions(text: str) -> list[Instruction]:
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    found: list[Instruction] = []
    stage = -1
    for joined in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, rest = joined.partition(" ")
        stage += name == "FROM"
        found.append(Instruction(name, rest.strip(), stage))
    return found


ALL = read_instructions(DOCKERFILE.read_text())
BUILD = [each for each in ALL if each.stage == 0]
FINAL = [each for each in ALL if each.stage == 1]


def one(name: str) -> str:
    """Return the text of the only instruction of that name in the final stage."""
    (found,) = (each for each in FINAL if each.name == name)
    return found.text


def environment() -> dict[str, str]:
    return dict(assignment.split("=", 1) for assignment in one("ENV").split())


def ignored_patterns() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_is_two_stages_on_a_base_that_is_an_argument() -> None:
    assert ALL[0] == Instruction("ARG", "BASE=python:3.13-slim", -1)
    assert [each.text for each in ALL if each.name == "FROM"] == ["${BASE} AS build", "${BASE}"]


def test_uses_only_what_buildah_1_28_knows() -> None:
    """In particular no ADD, which fetches URLs, no heredoc, no --mount, --link, --chmod and no SHELL."""
    assert {each.name for each in ALL} <= INSTRUCTIONS
    assert not [each for each in ALL if re.search(r"<<|--(mount|link|chmod|network|security)\b", each.text)]


def test_every_copied_file_is_there_and_not_ignored() -> None:
    sources = [
        source.rstrip("/")
        for each in BUILD
        if each.name == "COPY"
        for source in each.text.split()[:-1]
        if not source.startswith("--")
    ]
    allowed = {pattern[1:] for pattern in ignored_patterns() if pattern.startswith("!")}

    assert len(sources) > 10
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert {source.partition("/")[0] for source in sources} == allowed


def test_nothing_enters_the_build_that_is_not_named() -> None:
    assert ignored_patterns()[0] == "*"
    assert ignored_patterns()[-1] == "**/__pycache__"


def test_every_package_of_the_wheel_is_copied() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {each.text.split()[0] for each in BUILD if each.name == "COPY"}

    assert set(wheel["packages"]) <= copied


def test_everything_installed_is_hashed_or_our_own_wheel() -> None:
    installs = re.findall(r"pip install ([^&]*)", " && ".join(each.text for each in BUILD))

    assert len(installs) == 3
    for options in installs:
        assert "--no-deps" in options
        assert "--require-hashes -r requirements" in options or "--no-index /dist/" in options


def test_pip_is_in_no_part_of_the_final_stage() -> None:
    last_run = [each.text for each in BUILD if each.name == "RUN"][-1]
    ((command),) = (each.text for each in FINAL if each.name == "RUN")

    assert last_run.endswith("/opt/touchstone/bin/pip uninstall --yes setuptools pip")
    assert command.startswith("rm -rf ")
    assert {"/usr/local/bin/pip*", "/usr/local/lib/python3*/ensurepip"} < set(command.split())
    assert not re.search(r"pip\d* install|apt-get", " ".join(each.text for each in FINAL))


def test_runs_as_a_numbered_user_that_owns_only_the_data() -> None:
    names = [each.name for each in FINAL]

    assert one("USER") == "10001:10001"
    assert "RUN" not in names[names.index("USER") :]
    assert one("COPY") == "--from=build /opt/touchstone /opt/touchstone"
    assert "install -d -m 0700 -o 10001 -g 10001 /data" in next(e.text for e in FINAL if e.name == "RUN")


def test_all_state_is_on_the_volume() -> None:
    settings = load_settings(with_url("https://touchstone.example"))

    assert one("VOLUME") == one("WORKDIR") == "/data"
    assert settings.database_url == "sqlite:////data/touchstone.db"
    assert Path(settings.key_dir) == Path("/data/keys")


def test_listens_to_the_world_only_where_a_public_url_was_given() -> None:
    """The default URL is plain http, which the settings refuse on an address that is not loopback."""
    with pytest.raises(SettingsError, match=r"TOUCHSTONE_PUBLIC_URL: .* is not https"):
        load_settings(with_url(Settings().public_url))

    assert load_settings(with_url("https://touchstone.example")).bind == "0.0.0.0:8000"


def test_health_check_asks_the_public_port_and_no_proxy() -> None:
    check, port = one("HEALTHCHECK"), environment()["TOUCHSTONE_BIND"].rpartition(":")[2]

    assert f"http://127.0.0.1:{port}/livez" in check
    assert "ProxyHandler({})" in check
    assert one("EXPOSE") == port


def test_starts_the_server_and_stops_it_by_its_own_signal() -> None:
    assert one("ENTRYPOINT") == '["touchstone"]'
    assert one("CMD") == '["serve"]'
    assert one("STOPSIGNAL") == "SIGTERM"


def test_labels_say_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert f'org.opencontainers.image.version="{project["version"]}"' in one("LABEL")
    assert f'org.opencontainers.image.licenses="{project["license"]}"' in one("LABEL")


def with_url(url: str) -> dict[str, str]:
    """Return the image's environment with a public URL."""
    return {**environment(), "TOUCHSTONE_PUBLIC_URL": url}
