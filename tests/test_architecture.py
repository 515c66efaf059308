"""The house holds: floors, SQL only in stores, the framework only in routes, and locks that name no host."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = (
    "wire",
    "proofs",
    "storage",
    "operators",
    "resolver",
    "registry",
    "statuslist",
    "observatory",
    "server",
)
LOCKS = sorted(ROOT.glob("requirements*.lock"))

_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\s+[A-Za-z*(]")
# Written in parts, so that this file does not name them either.
_HOSTS = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("docker", "io"), ("ghcr", "io"))
]


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def room_path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


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
    """Tell whether the module's docstring says so; `storage/` is one store as a whole."""
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return room_path(path).startswith("storage/") or bool(
        re.search(r"\bStore\b", docstring.partition("\n\n")[0])
    )


@pytest.fixture
def copied_house(tmp_path: Path) -> Path:
    """A copy of the rooms and their contracts, to plant violations in."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_room_keeps_its_floor() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout
    assert "5 kept, 0 broken" in done.stdout


PLANTED = {
    "wire/times.py": "server",
    "registry/query.py": "statuslist",
    "observatory/purges.py": "registry",
    "resolver/did.py": "storage",
    "proofs/jose.py": "storage",
    "storage/audit.py": "operators",
    "resolver/keys/jwk.py": "resolver.documents.document",
    "resolver/methods/web.py": "resolver.sources.web",
    "resolver/drivers/source.py": "resolver.webvh.source",
    "resolver/resolution.py": "resolver.binding.answering",
    "statuslist/formats/forms.py": "statuslist.entries.store",
    "statuslist/entries/sets.py": "statuslist.publishing.publisher",
    "statuslist/publishing/mirror.py": "statuslist.recovery.epoch",
    "server/settings/settings.py": "server.telemetry.board",
    "server/edge/front.py": "server.app",
    "server/app.py": "server.node.supervisor",
}


def test_every_import_of_a_higher_or_a_neighbouring_room_is_caught(copied_house: Path) -> None:
    for module, imported in PLANTED.items():
        with (copied_house / module).open("a") as file:
            file.write(f"\nimport {imported}\n")

    done = lint_imports(copied_house)

    assert done.returncode == 1, done.stdout
    assert "0 kept, 5 broken" in done.stdout
    for module, imported in PLANTED.items():
        importer = module.removesuffix(".py").replace("/", ".")
        assert re.search(rf"{re.escape(importer)} -> {re.escape(imported)}\b", done.stdout), importer


def test_only_stores_hold_sql() -> None:
    offenders = {room_path(path): sql_in(path.read_text()) for path in modules() if not is_store(path)}

    assert {path: found for path, found in offenders.items() if found} == {}


def test_the_search_for_sql_finds_it() -> None:
    planted = 'rows = tx.all(f"SELECT * FROM lists WHERE id = {id}")\nword = "Select one of these"\n'

    assert sql_in(planted) == ["SELECT * FROM lists WHERE id = "]


def test_only_routes_and_the_server_know_litestar() -> None:
    knowing = {path for path in modules() if "litestar" in imports_of(path)}

    strangers = {path for path in knowing if path.parts[len(ROOT.parts)] != "server"}
    assert strangers
    assert {room_path(path) for path in strangers if not _is_routes(path)} == set()


def test_only_the_clients_know_an_http_client_and_importing_them_loads_none() -> None:
    """The server fetches through the guard, which speaks HTTP itself; httpx carries our clients only."""
    libraries = {"httpx", "httpcore", "h11", "requests", "urllib3", "aiohttp"}
    clients = ("wire.client", "resolver.client", "registry.client", "statuslist.client")
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


def _is_routes(path: Path) -> bool:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return "routes" in path.stem or bool(re.search(r"\bRoutes?\b", docstring.partition("\n\n")[0]))
