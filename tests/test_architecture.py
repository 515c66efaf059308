"""The house holds: floors, SQL only in stores, the framework only in routes, and locks that name no host."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BESIDE_THE_ROOMS = {"tests", "benchmarks"}  # packages that are no part of what runs
ROOMS = tuple(sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - BESIDE_THE_ROOMS))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
LOCKS = sorted(ROOT.glob("requirements*.lock"))

# The wings: what can be read for itself. `server/` puts them together, `storage/` is one store.
WINGS = tuple(room for room in ROOMS if room not in ("server", "storage"))
_KIND = re.compile(r"(?:^|[.?:`]\s)(Pure|Store|Service|Routes|Client|Command)\b")
# What a pure file imports none of: the clock, randomness, threads, the network, the machine.
_OUTSIDE = {"asyncio", "random", "secrets", "socket", "ssl", "subprocess", "threading", "time", "pysqlite3"}
_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\s+[A-Za-z*(]")
# Written in parts, so that this file does not name them either.
_HOSTS = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("docker", "io"), ("ghcr", "io"))
]


def modules(house: Path = ROOT) -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((house / room).rglob("*.py"))


def room_path(path: Path, house: Path = ROOT) -> str:
    return path.relative_to(house).as_posix()


def first_paragraph(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")[0]


def kinds_of(path: Path) -> list[str]:
    """Return the kinds that the first paragraph of the module's docstring names; there should be one."""
    return _KIND.findall(first_paragraph(path))


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60)


def imports_of(path: Path) -> set[str]:
    """Return the top-level packages that the module at `path` imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def modules_loaded_by(*imported: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after these imports."""
    names = "'\\n'.join(sorted({m.partition('.')[0] for m in sys.modules}))"
    code = f"import sys, {', '.join(imported)}; print({names})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def sql_in(source: str) -> list[str]:
    """Return the string constants of `source` that begin as an SQL statement does."""
    constants = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return [text for text in constants if isinstance(text, str) and _SQL.match(text)]


def is_store(path: Path) -> bool:
    """Tell whether the module says so; `storage/` is one store as a whole."""
    return room_path(path).startswith("storage/") or kinds_of(path) == ["Store"]


@pytest.fixture
def copied_house(tmp_path: Path) -> Path:
    """A copy of the rooms and their contracts, to plant violations in."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


NO_CYCLES = "No two modules of a room need one another, at any depth"
# By contract: modules, and what each of them must not import.
PLANTED = {
    "A room imports only what lies on a lower floor": {
        "wire/times.py": "server",
        "proofs/jose.py": "storage",
        "storage/audit.py": "operators",
        "registry/identifiers.py": "statuslist",
        "observatory/purges.py": "registry",
        "credentials/times.py": "statuslist",
        "credentials/errors.py": "registry",
    },
    "No room imports tests, benchmarks or tools": {
        "resolver/did.py": "benchmarks.table",
        "wire/json.py": "tests.blocks",
        "server/share.py": "tools",
    },
    NO_CYCLES: {
        "resolver/binding/forms.py": "resolver.binding.answering",
        "server/edge/cycle.py": "server.edge.protocol",
    },
    "Importing a room by its name loads neither Litestar nor an HTTP client": {
        "operators/__init__.py": "operators.alarms.routes",
        "statuslist/__init__.py": "httpx",
    },
    "The resolver is a library: it imports proofs and wire and nothing else of ours": {
        "resolver/encoding.py": "storage",
        "resolver/outbound/fetch.py": "server.settings",
    },
    "Importing the resolver by its name loads no binding, client or command": {
        "resolver/__init__.py": "resolver.binding.routes",
    },
    "Questions to the registry are answered without SQL and transactions": {
        "registry/rules.py": "registry.events",
        "registry/asking/standing.py": "storage",
    },
    "The floors of the resolver": {
        "resolver/keys/jwk.py": "resolver.documents.document",
        "resolver/methods/web.py": "resolver.sources.web",
        "resolver/drivers/source.py": "resolver.webvh.source",
        "resolver/resolution.py": "resolver.binding.answering",
    },
    "The floors of the registry": {
        "registry/model.py": "registry.routes",
        "registry/exports/schema.py": "registry.imports.shape",
    },
    "The floors of the status lists": {
        "statuslist/formats/forms.py": "statuslist.entries.store",
        "statuslist/entries/sets.py": "statuslist.publishing.publisher",
        "statuslist/publishing/mirror.py": "statuslist.recovery.epoch",
    },
    "The floors of the credentials": {"credentials/secured.py": "credentials.forms.vc_jwt"},
    "The floors of the verification": {"verification/verdicts.py": "verification.verifier"},
    "What verifies loads no engine, and without its routes no framework": {
        "verification/trusting.py": "registry.events",
        "credentials/keys/finding.py": "httpx",
    },
    "The floors of the observatory": {"observatory/key_changes.py": "observatory.operator_routes"},
    "The floors of the operators": {"operators/model.py": "operators.alarms.routes"},
    "The floors of the proofs": {"proofs/errors.py": "proofs.signing"},
    "The floors of the storage": {"storage/sqlite.py": "storage.postgres"},
    "The floors of the wire": {"wire/problem.py": "wire.answer"},
    "The floors of the server": {
        "server/settings/settings.py": "server.telemetry.board",
        "server/edge/front.py": "server.app",
        "server/app.py": "server.node.supervisor",
        "server/registered.py": "server.wings",
    },
}
FLOORED = {
    name: contract["containers"][0] for name, contract in CONTRACTS.items() if "containers" in contract
}


def test_every_contract_catches_what_it_forbids(copied_house: Path) -> None:
    for plants in PLANTED.values():
        for module, imported in plants.items():
            with (copied_house / module).open("a") as file:
                file.write(f"\nimport {imported}\n")
    for room in FLOORED.values():
        (copied_house / room / "on_no_floor.py").write_text('"""A module that no contract knows. Pure."""\n')

    said = broken_contracts(lint_imports(copied_house).stdout)
    assert set(said) == set(PLANTED) == set(CONTRACTS)
    for contract, plants in PLANTED.items():
        for module, imported in plants.items():
            assert re.search(evidence_of(contract, module, imported), said[contract]), (module, imported)
    for contract, room in FLOORED.items():
        assert f"- {room}.on_no_floor\n" in said[contract]


def broken_contracts(output: str) -> dict[str, str]:
    """Return what import-linter says of each broken contract, by the name of the contract."""
    said = output.partition("Broken contracts\n")[2]
    parts = re.split(r"^(.+)\n-{5,}\n", said, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def evidence_of(contract: str, module: str, imported: str) -> str:
    """Return a pattern of what is said of a planted import; of a cycle, the folder in which it is."""
    folder, _, _ = module.rpartition("/")
    if contract == NO_CYCLES:
        return rf"No cycles are allowed in {folder.replace('/', '.')}\."
    importer = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    # What is not ours is named by its package alone.
    named = imported if imported.partition(".")[0] in ROOMS else imported.partition(".")[0]
    return rf"\b{re.escape(importer)} -> {re.escape(named)} "


def test_all_lists_of_rooms_name_every_room() -> None:
    tool, contracts = PYPROJECT["tool"], list(CONTRACTS.values())
    floors = {room for layer in contracts[0]["layers"] for room in layer.split(" | ")}
    for_everyone = "No room imports tests, benchmarks or tools"
    by_name = "Importing a room by its name loads neither Litestar nor an HTTP client"
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = {
        source for source, to in re.findall(r"^COPY (\w+) (\w+)$", dockerfile, re.MULTILINE) if source == to
    }
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    rooms = set(ROOMS)
    assert {"wire", "resolver", "server"} <= rooms
    assert floors == rooms
    assert set(tool["importlinter"]["root_packages"]) == rooms
    assert set(CONTRACTS[for_everyone]["source_modules"]) == rooms
    assert set(CONTRACTS[NO_CYCLES]["ancestors"]) == rooms
    assert set(CONTRACTS[by_name]["source_modules"]) == rooms - {"server"}
    assert set(FLOORED.values()) == rooms
    assert all(CONTRACTS[name]["exhaustive"] for name in FLOORED)
    assert set(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == rooms
    assert set(tool["mypy"]["packages"]) == rooms
    assert set(tool["ruff"]["lint"]["isort"]["known-first-party"]) == rooms | BESIDE_THE_ROOMS
    assert copied == rooms | {"data"}
    assert {name for name in sent if (ROOT / name).is_dir()} == rooms | {"data", "tools"}


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_page_shows_every_part_of_a_room_on_its_floor(room: str) -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    table = page.partition(f"| `{room}/` | |\n")[2].partition("\n\n")[0]
    rows = [re.findall(r"`(\w+)/?`", row.split("|")[1]) for row in table.splitlines()[1:]]
    shown = [name for row in rows for name in row]
    [contract] = [CONTRACTS[name] for name, floored in FLOORED.items() if floored == room]
    floors = [layer.split(" | ") for layer in contract["layers"]]
    floor_of = {name: number for number, floor in enumerate(floors) for name in floor}

    assert sorted(shown) == sorted(floor_of)
    assert [floor_of[name] for name in shown] == sorted(floor_of.values())


def test_every_file_of_a_wing_says_its_kind() -> None:
    files = [
        path for path in modules() if path.name != "__init__.py" and path.relative_to(ROOT).parts[0] in WINGS
    ]

    assert {room_path(path): kinds_of(path) for path in files if len(kinds_of(path)) != 1} == {}
    assert {kinds_of(path)[0] for path in files} == {
        "Pure",
        "Store",
        "Service",
        "Routes",
        "Client",
        "Command",
    }


def test_a_pure_file_imports_no_clock_no_randomness_and_no_network() -> None:
    pure = [path for path in modules() if first_paragraph(path).endswith("Pure.")]
    reaching_out = {room_path(path): imports_of(path) & _OUTSIDE for path in pure}

    assert pure
    assert {path: found for path, found in reaching_out.items() if found} == {}


def test_only_stores_hold_sql() -> None:
    offenders = {room_path(path): sql_in(path.read_text()) for path in modules() if not is_store(path)}

    assert {path: found for path, found in offenders.items() if found} == {}


def test_the_search_for_sql_finds_it() -> None:
    planted = 'rows = tx.all(f"SELECT * FROM lists WHERE id = {id}")\nword = "Select one of these"\n'

    assert sql_in(planted) == ["SELECT * FROM lists WHERE id = "]


def knowing_litestar(house: Path) -> list[Path]:
    """Return the modules of the wings in `house` that import it."""
    wings = [path for path in modules(house) if path.relative_to(house).parts[0] != "server"]
    return [path for path in wings if "litestar" in imports_of(path)]


def test_only_routes_and_the_server_know_litestar() -> None:
    knowing = knowing_litestar(ROOT)

    assert knowing
    assert {room_path(path) for path in knowing if kinds_of(path) != ["Routes"]} == set()


def test_litestar_in_a_file_of_another_kind_is_caught(copied_house: Path) -> None:
    planted = {"registry/rules.py", "resolver/binding/answering.py", "storage/audit.py", "wire/answer.py"}
    for module in planted:
        with (copied_house / module).open("a") as file:
            file.write("\n\ndef planted():\n    from litestar.response import Response\n")

    strangers = [path for path in knowing_litestar(copied_house) if kinds_of(path) != ["Routes"]]
    assert {room_path(path, copied_house) for path in strangers} == planted


def test_only_the_clients_know_an_http_client_and_importing_them_loads_none() -> None:
    """The server fetches through the guard, which speaks HTTP itself; httpx carries our clients only."""
    libraries = {"httpx", "httpcore", "h11", "requests", "urllib3", "aiohttp"}
    clients = (
        "wire.client",
        "resolver.client",
        "registry.client",
        "statuslist.client",
        "verification.client",
        "server.commands.remote.api",
    )
    knowing = {room_path(path) for path in modules() if imports_of(path) & libraries}

    assert knowing == {f"{client.replace('.', '/')}.py" for client in clients}
    assert modules_loaded_by(*clients) & libraries == set()


def test_importing_the_resolver_loads_no_framework_no_http_client_and_no_other_room() -> None:
    loaded = modules_loaded_by("resolver")

    assert {"resolver", "wire"} <= loaded
    assert (
        loaded & {"litestar", "httpx", "httpcore", "multiformats", "pysqlite3", "storage", "server"} == set()
    )


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_and_hashes_every_entry_and_names_no_index(lock: Path) -> None:
    lines = [line for line in lock.read_text().splitlines() if line.strip() and not line.startswith("#")]
    entries = re.split(r"\n(?=\S)", "\n".join(lines))

    assert entries
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry
    assert [line for line in lines if re.match(r"\s*(-|--)(i|f|index|find|extra|trusted)", line)] == []
    assert "://" not in lock.read_text()


def test_there_are_locks_and_none_holds_pip() -> None:
    names = {path.name for path in LOCKS}
    held = {line.partition("==")[0] for path in LOCKS for line in path.read_text().splitlines()}

    assert {"requirements.lock", "requirements-dev.lock", "requirements-build.lock"} <= names
    assert "pip" not in held


def test_no_file_names_a_package_registry() -> None:
    contents = {room_path(path): path.read_bytes() for path in _our_files()}

    naming = {name for name, content in contents.items() if any(host.encode() in content for host in _HOSTS)}
    assert naming == set()
    assert {"pyproject.toml", "requirements.lock", "tests/test_architecture.py"} <= set(contents)


def _our_files() -> Iterator[Path]:
    """Every file of the checkout but what tools and runs leave behind."""
    left_behind = {".git", ".venv", "var", "dist", "__pycache__"}
    for entry in sorted(ROOT.iterdir()):
        if entry.name in left_behind or entry.name.endswith("_cache") or entry.name == ".hypothesis":
            continue
        found = entry.rglob("*") if entry.is_dir() else iter([entry])
        yield from (
            path for path in found if path.is_file() and not left_behind & set(path.relative_to(ROOT).parts)
        )
