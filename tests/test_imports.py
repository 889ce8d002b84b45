"""Rooms import only from rooms before them, and the light ones stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "agentic_styling"

ALLOWED = {
    "utils": set(),
    "tools": set(),
    "losses": set(),
    "planner": {"tools"},
    "rewards": {"tools", "planner"},
    "data": {"tools", "planner", "rewards"},
    "training": {"losses", "planner", "data"},
    "evaluation": {"tools", "losses", "planner", "rewards", "data", "training"},
}
ANYWHERE = {"utils"}


def imported_rooms(source: str) -> set[str]:
    """The parts of agentic_styling that a file imports, wherever in the file."""
    rooms = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "agentic_styling" and rest:
                rooms.add(rest.split(".")[0])
    return rooms


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_from_rooms_before_them(room):
    for path in sorted((PACKAGE / room).rglob("*.py")):
        wrong = imported_rooms(path.read_text()) - ALLOWED[room] - ANYWHERE - {room}
        assert not wrong, f"{path.relative_to(PACKAGE)} imports {sorted(wrong)}"


def test_the_check_sees_every_form_of_import():
    source = "import agentic_styling.data.goals\ndef f():\n    from agentic_styling import losses"
    assert imported_rooms(source) == {"data", "losses"}


def test_heavy_libraries_stay_lazy():
    rooms = ["tools", "losses", "planner", "data", "training", "evaluation"]
    code = (
        "import importlib, sys\n"
        "heavy = {'transformers', 'tensorflow', 'tensorflow_datasets', 'torch', 'skimage'}\n"
        f"for room in {rooms}:\n"
        "    importlib.import_module('agentic_styling.' + room)\n"
        "    print(room, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{room} []" for room in rooms]
