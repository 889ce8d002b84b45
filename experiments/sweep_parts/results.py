"""The progress of the runs of a sweep, read from their workdirs and written as a table."""

import json
import re
from pathlib import Path

from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.errors import InputError
from sweep_parts.runs import Run, text

LOG = "log.txt"
SAYS = "sweep: "  # begins the lines that the sweep itself writes into a log
FAILED = SAYS + "exit status "
LOG_END = 1 << 16  # bytes


def register(runs: list[Run], workdir: Path) -> None:
    """Adds the runs to WORKDIR/sweep.json."""
    path = workdir / "sweep.json"
    known = _registered(workdir) if path.exists() else {}
    known |= {run.name: {"fields": run.fields, "steps": run.config.steps} for run in runs}
    workdir.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(known, indent=2) + "\n")


def write_results(workdir: Path) -> str:
    """Writes results.json and results.md of all registered runs; returns the table."""
    found = [
        {"name": name, "fields": noted["fields"], **progress(workdir / name, noted["steps"])}
        for name, noted in _registered(workdir).items()
    ]
    table = markdown(found)
    write_text(workdir / "results.json", json.dumps(found, indent=2) + "\n")
    write_text(workdir / "results.md", table)
    return table


def _registered(workdir: Path) -> dict[str, dict]:
    path = workdir / "sweep.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no sweep was begun there; give its --workdir") from error


def progress(workdir: Path, steps: int) -> dict:
    """A run's status, its last step and the last value of each metric."""
    metrics = last_metrics(workdir / "metrics.jsonl")
    step = metrics.pop("step", 0)
    if is_finished(workdir):
        status = "finished"
    elif last_lines(workdir)[-1:] and last_lines(workdir)[-1].startswith(FAILED):
        status = "failed"
    else:
        status = f"step {step} of {steps}" if step else "not begun"
    return {"status": status, "step": step, "steps": steps, "metrics": metrics}


def is_finished(workdir: Path) -> bool:
    """Whether the run has written its planner, the last thing that it does."""
    return (workdir / "planner").is_dir()


def last_metrics(path: Path) -> dict[str, float]:
    """The last value of each metric; a partial line is ignored."""
    metrics = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            metrics |= json.loads(line)
        except (ValueError, TypeError):
            continue
    return metrics


def last_lines(workdir: Path) -> list[str]:
    """The last lines of a run's log; each state of a progress bar is a line."""
    path = workdir / LOG
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_END))
        lines = re.split(r"[\r\n]+", file.read().decode(errors="replace"))
    return [line.strip() for line in lines if line.strip()]


def last_words(workdir: Path) -> str:
    """The last line of a run's log that is not the sweep's."""
    lines = [line for line in last_lines(workdir) if not line.startswith(SAYS)]
    return lines[-1] if lines else "it wrote nothing"


def markdown(found: list[dict]) -> str:
    """A table with a row for each run: varied fields, status and metrics."""
    fields = list(dict.fromkeys(name for run in found for name in run["fields"]))
    metrics = list(dict.fromkeys(name for run in found for name in run["metrics"]))
    rows = [[*fields, "status", *metrics], ["---"] * (len(fields) + 1 + len(metrics))]
    for run in found:
        varied = [text(run["fields"].get(name, "")) for name in fields]
        rows.append([*varied, run["status"], *(_number(run["metrics"].get(m)) for m in metrics)])
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def _number(value) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
