"""The house stands: who may import whom, where each heavy library lives, how long a file may be."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("fusion", "knowledge", "agent")
FILES = [
    Path("ui.py"),
    *(path.relative_to(ROOT) for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))),
]
DOORS = ("ui", "agent.api", "agent.cli", "agent.page", "agent.serve")
HOMES = {
    "torch": ("fusion.",),
    "transformers": ("fusion.",),
    "sklearn": ("fusion.",),
    "scipy": ("fusion.",),
    "whisper": ("fusion.",),
    "chromadb": ("knowledge.",),
    "gradio": ("ui", "agent.page"),
    "fastapi": ("agent.api", "agent.connectors", "agent.page", "ui"),
    "langchain": ("agent.chat",),
    "langchain_core": ("agent.chat", "knowledge.retriever"),
    "langchain_text_splitters": ("knowledge.passages",),
    "sqlalchemy": ("agent.store", "agent.shop"),
    "httpx": ("agent.http_shop", "agent.connectors"),
    "bpy": ("knowledge.demo.studio",),
}


def name_of(path: Path) -> str:
    parts = list(path.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, everywhere: bool = True) -> set[str]:
    """Modules imported in `path`; at the top level only unless `everywhere`."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else ast.iter_child_nodes(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} uses a relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


MODULES = {name_of(path): path for path in FILES}


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name: str) -> None:
    floor = name.split(".")[0]
    forbidden = {
        "fusion": ("knowledge", "agent", "ui"),
        "knowledge": ("fusion", "agent", "ui"),
        "agent": () if name.startswith(DOORS) else DOORS,
        "ui": ("agent.cli",),
    }[floor]
    for imported in imports(MODULES[name]):
        for other in forbidden:
            assert imported != other and not imported.startswith(other + "."), (
                f"{name} imports {imported}"
            )


@pytest.mark.parametrize("name", MODULES)
def test_heavy_libraries_stay_home(name: str) -> None:
    for imported in imports(MODULES[name]):
        homes = HOMES.get(imported.split(".")[0])
        assert homes is None or name.startswith(homes), f"{name} imports {imported}"


def test_no_import_cycle() -> None:
    graph = {
        name: {other for other in imports(path, everywhere=False) if other in MODULES} - {name}
        for name, path in MODULES.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


@pytest.mark.parametrize("name", MODULES)
def test_files_are_short(name: str) -> None:
    assert len((ROOT / MODULES[name]).read_text().splitlines()) <= 350
