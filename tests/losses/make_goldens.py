"""Writes a golden file from an oracle: `PYTHON -m tests.losses.make_goldens NAME`.

NAME is a file of tests/losses/oracles; its docstring says what PYTHON has to have installed, in a
virtual environment of its own. Nothing of agentic_styling is imported. Inputs, values and gradients
are float64, written with all their digits.
"""

import importlib
import json
import sys
from pathlib import Path

GOLDENS = Path(__file__).parent / "goldens"


def write(name: str) -> Path:
    golden = importlib.import_module(f"tests.losses.oracles.{name}").make()
    heads = {k: v for k, v in golden.items() if k != "cases"}
    lines = ",\n".join(json.dumps(case) for case in golden["cases"])
    text = json.dumps(heads, indent=1).removesuffix("\n}") + f',\n "cases": [\n{lines}\n]}}\n'
    assert json.loads(text) == golden
    path = GOLDENS / f"{name}.json"
    path.write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write(sys.argv[1]))
