"""Imports point upwards, every module is reached, and importing the package stays light."""

import ast
import functools
import graphlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Imports point upwards in these lists only.
ORDER = [
    "utils",
    "tools.plans",
    "tools.transforms",
    "tools.dimensions",
    "tools.executor",
    "tools",
    "losses",
    "planner.model",
    "planner.checkpoints",
    "planner.inputs",
    "planner.decoding",
    "planner",
    "rewards",
    "data",
    "training",
    "evaluation",
    "cli",
]
NEVER = {("planner", "losses"), ("rewards", "losses"), ("data", "losses"), ("training", "rewards")}


def module_name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {module_name(path): path for path in (ROOT / "agentic_styling").rglob("*.py")}


def imports(source: str) -> set[str]:
    """The modules of agentic_styling that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                continue  # of scripts beside each other; the package has none, see below
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    inside = set()
    for name in names:
        if name.startswith("agentic_styling."):
            inside.add(name if name in MODULES else name.rpartition(".")[0])
    return inside


@functools.cache
def graph() -> dict[str, set[str]]:
    """What each module imports; parsed when a test asks, not when tests are collected."""
    return {name: imports(path.read_text()) - {name} for name, path in MODULES.items()}


def place(module: str) -> int:
    """The place in ORDER of the subpackage that a module is in."""
    inside = module.removeprefix("agentic_styling.")
    return max(
        (len(name), number)
        for number, name in enumerate(ORDER)
        if f"{inside}.".startswith(f"{name}.")
    )[1]


def test_the_package_has_no_relative_imports():
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


def test_the_check_sees_every_form_of_import():
    source = "import agentic_styling.data.build\ndef f():\n    from agentic_styling import losses"
    assert imports(source) >= {"agentic_styling.data.build", "agentic_styling.losses"}


@pytest.mark.parametrize("name", ORDER)
def test_imports_point_upwards(name):
    number = ORDER.index(name)
    for module, others in graph().items():
        if module == "agentic_styling" or not module.startswith(f"agentic_styling.{name}"):
            continue
        if place(module) != number:
            continue
        for other in others - {"agentic_styling"}:
            # A package's own __init__ gathers what its folders export.
            gathered = other.removeprefix("agentic_styling.") == name.split(".")[0]
            assert place(other) <= number or gathered, f"{module} imports {other}"
            rooms = module.split(".")[1], other.split(".")[1]
            assert rooms not in NEVER, f"{module} imports {other}"


def test_no_module_imports_itself_over_others():
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    inner = {name: others - packages for name, others in graph().items() if name not in packages}
    graphlib.TopologicalSorter(inner).prepare()  # raises CycleError


def test_every_module_is_reached_from_a_command_or_a_script():
    roots = {"agentic_styling.cli.main", "agentic_styling.data.tfds_builder"}
    for folder in ("experiments", "configs"):
        for path in (ROOT / folder).rglob("*.py"):
            roots |= imports(path.read_text())
    reached, todo = set(), list(roots & MODULES.keys())
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += graph()[module] & MODULES.keys()
    beside = {name for name, path in MODULES.items() if path.stem in ("__init__", "__main__")}
    assert not MODULES.keys() - reached - beside


def test_files_and_folders_stay_small():
    files = [path for part in ("agentic_styling", "experiments", "configs", "tests")
             for path in (ROOT / part).rglob("*.py")]  # fmt: skip
    long = {
        str(path): lines for path in files if (lines := len(path.read_text().splitlines())) > 350
    }
    assert not long
    crowded = {str(folder): n for folder, n in Counter(p.parent for p in files).items() if n > 14}
    assert not crowded


def test_heavy_libraries_stay_lazy():
    rooms = ["tools", "losses", "planner", "rewards", "data", "training", "evaluation"]
    code = (
        "import importlib, sys\n"
        "heavy = {'transformers', 'tensorflow', 'tensorflow_datasets', 'torch', 'skimage'}\n"
        f"for room in {rooms}:\n"
        "    importlib.import_module('agentic_styling.' + room)\n"
        "    print(room, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{room} []" for room in rooms]
