"""Imports go one way: each module imports only what stands before it, and never in a circle."""

import ast
from pathlib import Path

import pytest

import w4s

ROOT = Path(w4s.__file__).parent
LAYERS = [
    {"types", "errors", "extras", "codec", "waiting", "places", "listening", "agent"},
    {"settings", "config", "store", "sandbox", "models", "prompts", "tracking"},
    {"tasks", "workflow", "workflows"},
    {"executor"},
    {"runner", "answering"},
    {"evaluation", "racing", "serving"},
    {"feedback", "reward"},
    {"environment", "meta_agent"},
    {"rollout"},
    {"methods", "training", "reports", "exporting", "doctor", "estimates"},
    {"commands"},
    {"cli"},
    {"api", "__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
TORCH_ROOMS = {"training", "models.local"}


def modules() -> dict[str, Path]:
    """Dotted name below `w4s` to file, for every module that is code (workflows are data)."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] == "workflows" or parts == ("__init__",):
            continue
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """Absolute names of everything that a file imports, at any depth of the code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def internal(path: Path) -> set[str]:
    """Modules of this package that a file imports."""
    below = {name.removeprefix("w4s.") for name in imports(path) if name.startswith("w4s.")}
    return below & MODULES.keys()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_stands_before_it(name: str) -> None:
    layer = RANK[name.split(".")[0]]
    for imported in internal(MODULES[name]):
        assert RANK[imported.split(".")[0]] <= layer, f"{name} imports {imported}"


def test_no_import_cycles() -> None:
    graph = {
        name: {i for i in internal(path) if i != name and not name.startswith(f"{i}.")}
        for name, path in MODULES.items()
    }
    while graph:
        leaves = {name for name, targets in graph.items() if not targets & graph.keys()}
        assert leaves, f"import cycle among {sorted(graph)}"
        graph = {name: targets for name, targets in graph.items() if name not in leaves}


@pytest.mark.parametrize("name", MODULES)
def test_only_training_imports_torch(name: str) -> None:
    roots = {imported.split(".")[0] for imported in imports(MODULES[name])}
    if not any(name == room or name.startswith(f"{room}.") for room in TORCH_ROOMS):
        assert not roots & {"torch", "transformers", "peft", "accelerate"}


def test_the_agent_needs_the_standard_library_alone() -> None:
    assert not internal(ROOT / "agent.py")
    assert {i.split(".")[0] for i in imports(ROOT / "agent.py")} <= {
        "__future__",
        "ast",
        "collections",
        "json",
        "re",
        "typing",
    }
