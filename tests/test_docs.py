"""What the documents say is so: settings, metrics, packages, links, and the shape of the decisions."""

import itertools
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from server.settings import NOT_SETTINGS, PREFIX, Settings
from tests.blocks import LANGUAGES, blocks_of, uncut

ROOT = Path(__file__).parent.parent
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
ORDER = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]

_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|json|toml|sh|md))`")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def tracked_files() -> list[Path]:
    """Every file of the checkout that Git knows, and that is still there."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md" and "tests" not in path.parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors_of(path: Path) -> set[str]:
    """Return the anchors that GitHub and GitLab give to the headings of a page."""
    titles = [title.lower() for _, title in _HEADING.findall(path.read_text())]
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row of a Markdown text."""
    return [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(text)]


def settings_rows() -> dict[str, list[str]]:
    """Return the unit, default and description of each setting in its table."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    found = [row for row in rows(page) if row[0].startswith(f"`{PREFIX}")]
    assert len({row[0] for row in found}) == len(found)
    return {row[0].strip("`"): row[1:] for row in found}


def project() -> dict[str, list[str]]:
    """Return the names of the runtime dependencies, extras included, and of the development ones."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = metadata["project"]["optional-dependencies"].values()
    requirements = {
        "runtime": [*metadata["project"]["dependencies"], *itertools.chain.from_iterable(extras)],
        "dev": metadata["dependency-groups"]["dev"],
    }
    return {
        kind: [re.split(r"[\[<>=]", requirement)[0] for requirement in listed]
        for kind, listed in requirements.items()
    }


@pytest.mark.parametrize("field", Settings.__struct_fields__)
def test_each_setting_is_documented_with_its_unit_default_and_what_it_is(field: str) -> None:
    default = getattr(Settings(), field)
    text = str(default).lower() if isinstance(default, bool) else str(default)

    unit, shown, description = settings_rows()[PREFIX + field.upper()]

    assert shown == (f"`{text}`" if default not in ((), "", {}, None) else "")
    assert unit
    assert description
    if field.endswith(("_seconds", "_bytes")):
        assert unit == field.rpartition("_")[2]


def test_no_setting_is_documented_that_is_none() -> None:
    assert set(settings_rows()) == {PREFIX + field.upper() for field in Settings.__struct_fields__}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_a_document_names_only_settings_that_exist(path: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", path.read_text()))

    assert named - {PREFIX + field.upper() for field in Settings.__struct_fields__} <= set(NOT_SETTINGS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_relative_links_of_a_document_resolve(path: Path) -> None:
    targets = [link for link in _LINK.findall(path.read_text()) if "://" not in link]

    for target in targets:
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        assert not target.startswith("/")
        assert page.exists(), target
        assert not anchor or anchor in anchors_of(page), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_files_that_a_document_names_exist(path: Path) -> None:
    """`var/` and `data/` of a deployment aside, which exist once it runs."""
    named = {found for found in _PATH.findall(path.read_text()) if not found.startswith("var/")}

    assert {found for found in named if not (ROOT / found).exists()} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_blocks_of_a_document_are_of_a_kind_that_its_test_knows(path: Path) -> None:
    """Which of them run: tests/slow/test_documentation.py."""
    text = path.read_text()
    blocks = blocks_of(text)
    shown = [block.shows for block in blocks if block.shows]

    assert text.count("```") == 2 * (len(blocks) + len(shown))
    for language, content, _ in [*blocks, *shown]:
        assert language in LANGUAGES
        if language == "console":
            assert all(line.startswith("$ ") for line in content.splitlines())
        elif language == "json":
            uncut(content)
        elif language == "toml":
            tomllib.loads(content)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_context_options_with_reasons_and_outcome(path: Path) -> None:
    text = path.read_text()
    title, *sections = _HEADING.findall(text)
    context, options, outcome = re.split(r"^## .+\n", text, flags=re.MULTILINE)[1:]

    assert title[1].startswith(f"{path.name[:4]}: ")
    assert sections == [("##", "Context"), ("##", "Options"), ("##", "Outcome")]
    assert context.strip()
    assert len(re.findall(r"^- ", options, re.MULTILINE)) >= 2
    assert re.search(r"\bgood\b.*\bbecause\b", options, re.IGNORECASE | re.DOTALL)
    assert re.search(r"\bbad\b.*\bbecause\b", options, re.IGNORECASE | re.DOTALL)
    assert outcome.strip()


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [path.name[:4] for path in DECISIONS] == [
        f"{number:04}" for number in range(1, len(DECISIONS) + 1)
    ]
    assert len(DECISIONS) >= 11


def test_every_dependency_has_its_reason_and_no_other_package_has_one() -> None:
    page = next(path for path in DECISIONS if path.stem.endswith("packages")).read_text()
    runtime, dev = page.split("| development |")

    def packages(table: str) -> set[str]:
        named = {name for row in rows(table) for name in re.split(r", ", row[0].partition(" (")[0])}
        return named - {"runtime", "---"}

    assert packages(runtime) == set(project()["runtime"])
    assert packages(dev.partition("\n")[2]) == set(project()["dev"])


def test_monitoring_lists_every_metric_and_no_other() -> None:
    rooms = ("server", "observatory", "operators", "registry")
    sources = "\n".join(path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py"))
    made = set(re.findall(r'"(touchstone_[a-z_]+)"', sources))
    made = made - {"touchstone_http_requests"} | {"touchstone_http_requests_total"}

    listed = {row[0].strip("`") for row in rows((ROOT / "docs" / "monitoring.md").read_text())}

    assert made == {name for name in listed if name.startswith("touchstone_")}


def test_changelog_begins_with_this_version_and_keeps_the_order_of_sections() -> None:
    headings = _HEADING.findall((ROOT / "CHANGELOG.md").read_text())
    versions = [title for level, title in headings if level == "##"]
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert versions[0] == metadata["version"]
    minor = metadata["version"].rpartition(".")[0]
    assert f"| {minor}.x | yes |" in (ROOT / "SECURITY.md").read_text()
    for version in versions:
        begin = headings.index(("##", version)) + 1
        end = next((n for n in range(begin, len(headings)) if headings[n][0] == "##"), len(headings))
        sections = [title for _, title in headings[begin:end]]
        assert sections == [title for title in ORDER if title in sections] != []


def test_no_tracked_file_names_a_path_of_the_machine_it_was_made_on() -> None:
    """Hosts of package registries are looked for in tests/test_architecture.py."""
    places = "|".join(["work", "tmp", "root", "home", "Users"])
    machine_path = re.compile(rf"(?<![\w.$}}/-])/(?:{places})/\w".encode())

    naming = [name_of(path) for path in tracked_files() if machine_path.search(path.read_bytes())]

    assert naming == []
