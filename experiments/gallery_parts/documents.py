"""The measured tables of docs/tools.md."""

from pathlib import Path

from agentic_styling.rewards.attributes import ATTRIBUTES
from agentic_styling.tools import DIMENSIONS, VOCABULARY
from agentic_styling.utils.errors import InputError
from gallery_parts.independence import BETWEEN, OWN, Measurements, Movement, between_dimensions

BEGIN = "<!-- measured: begin; written by experiments/gallery.py --docs -->"
END = "<!-- measured: end -->"


def write_tables(path: Path, measurements: Measurements, names: list[str], size: int) -> None:
    """Replace what is between the two marks of a page. Raises InputError if it has none."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if BEGIN not in text or END not in text:
        raise InputError(f"{path}: has no place for the tables; add {BEGIN!r} and {END!r}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    tables = [
        f"Measured on {', '.join(names)}, {size} pixels on the longer side.",
        tools_table(),
        _attributes(),
        _dimensions(),
        _between(measurements),
        _options(measurements),
        _alike(measurements),
    ]
    path.write_text(before + BEGIN + "\n" + "\n\n".join(tables) + "\n" + END + after, "utf-8")


def _table(head: list[str], rows: list[list[str]]) -> str:
    # Names in a first column are no code, which a browser breaks inside words.
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tools_table() -> str:
    """Every tool of the vocabulary: its target, how many options that has, other parameters."""
    rows = []
    for name, tool in VOCABULARY.items():
        target = tool.parameters[tool.target]
        others = [f"`{p}`" for p in tool.parameters if p != tool.target]
        rows.append([name, f"`{tool.target}`", str(len(target.values)), ", ".join(others)])
    head = ["tool", "target", "options", "other parameters"]
    return "### Tools\n\n" + _table(head, rows)


def _attributes() -> str:
    rows = [
        [name, a.meaning.replace("*", "\\*"), a.unit.replace("*", "\\*"), f"{a.step:g}"]
        for name, a in ATTRIBUTES.items()
    ]
    return "### Attributes\n\n" + _table(["attribute", "meaning", "unit", "visible step"], rows)


def _dimensions() -> str:
    rows = [[name, reason, " ".join(own)] for name, (own, reason) in OWN.items()]
    return "### What each dimension is meant to move\n\n" + _table(
        ["dimension", "because", "own attributes"], rows
    )


def _between(measurements: Measurements) -> str:
    values = between_dimensions(measurements.moved)
    rows = [
        [row, *(f"**{v:.1f}**" if i == j else f"{v:.1f}" for j, v in enumerate(values[i]))]
        for i, row in enumerate(DIMENSIONS)
    ]
    return f"### Between dimensions\n\n{BETWEEN}\n\n" + _table(["", *DIMENSIONS], rows)


def _options(measurements: Measurements) -> str:
    head = ["dimension", "option", "own", "other", "most foreign"]
    ordered = measurements.offenders()
    worst = _table(head, [_option(*item) for item in ordered[:25]])
    every = _table(head, [_option(*item) for item in measurements.options()])
    return (
        f"### Furthest outside their dimension\n\n{worst}\n\n"
        f"<details><summary>Every option</summary>\n\n{every}\n\n</details>"
    )


def _option(tool: str, option: str, m: Movement) -> list[str]:
    foreign = f"{m.foreign} {m.foreign_steps:+.1f}"
    return [tool, option, f"{m.own:.1f}", f"{m.other:.1f}", foreign]


def _alike(measurements: Measurements) -> str:
    rows = [
        [name, ", ".join(group.values), f"{group.apart:.2f}"]
        for name, groups in measurements.alike.items()
        for group in groups
    ]
    title = "### Values less than a visible step apart\n\n"
    return title + (_table(["parameter", "values", "steps"], rows) if rows else "None.")
