"""Job files for clusters, all from experiments/jobs/job.sh.template."""

import re
import shlex
import sys
from pathlib import Path

from agentic_styling.utils.errors import InputError, nearest
from sweep_parts.results import LOG
from sweep_parts.runs import Run, digest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "experiments/jobs/job.sh.template"
LAUNCHERS = ("slurm", "gcloud", "xpk")
ALL, REQUIRED = "all", "?"
LONGEST_JOB = 40  # xpk's longest name of a workload


def read_template(launcher: str) -> tuple[list[str], dict[str, str], str]:
    """A launcher's lines, its options with their defaults, and their help."""
    lines, options, helps, section = [], {}, [], ALL
    for line in TEMPLATE.read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"#\| \[(\w+)\]", line)
        option = re.fullmatch(r"#\| (\w+)=(\S*) +# (.*)", line)
        section = heading[1] if heading else section
        if section not in (launcher, ALL):
            continue
        if option:
            options[option[1]] = option[2]
            helps.append(f"  {option[1]}={option[2]}  {option[3]}")
        elif not line.startswith("#|"):
            lines.append(line)
    return lines, options, "\n".join(helps)


def choose(launcher: str, given: list[str]) -> dict[str, str]:
    """The value of each option of a launcher. given: NAME=VALUE. Raises InputError."""
    _, options, _ = read_template(launcher)
    chosen = dict(options)
    for option in given:
        name, equals, value = option.partition("=")
        if name not in options:
            raise InputError(f"--option {name}: none of {launcher}; {nearest(name, options)}")
        if not equals or "\n" in value or value == REQUIRED:
            raise InputError(f"--option {option}: no value in one line; write {name}=VALUE")
        chosen[name] = value
    for name, value in chosen.items():
        if value == REQUIRED:
            raise InputError(f"--option {name}: {launcher} needs it; write --option {name}=VALUE")
    return chosen


def write_jobs(
    runs: list[Run], workdir: Path, launcher: str, options: dict[str, str], directory: Path
) -> Path:
    """Writes NAME.sh for each run, and submit.sh for all; returns its path."""
    lines, _, _ = read_template(launcher)
    submit = ["#!/bin/bash", 'cd "$(dirname "$0")" || exit', "failed=0"]
    directory.mkdir(parents=True, exist_ok=True)
    for run in runs:
        values = options | {"cwd": str(Path.cwd()), "python": sys.executable}
        values = {k: _fill(v, values, quote=False) for k, v in options.items()}
        flags = [flag.replace(f"={ROOT}/", "=", 1) for flag in run.flags[:1]] + run.flags[1:]
        train = ["experiments/train.py", *flags, "--distributed"]
        train = shlex.join([values["python"], *train, f"--workdir={workdir / run.name}"])
        values |= {
            "name": run.name,
            "job": job_name(run.name),
            "log": str((workdir / run.name / LOG).resolve()),
            # exec: signals reach training itself.
            "command": f"cd {shlex.quote(values['directory'])} && exec {train}",
        }
        kept = [line for line in lines if all(values[name] for name in _names(line))]
        _write(directory / f"{run.name}.sh", [_fill(line, values) for line in kept])
        submit.append(f"{values['submit']} {shlex.quote(run.name + '.sh')} || failed=1")
    _write(directory / "submit.sh", [*submit, 'exit "$failed"'])
    return directory / "submit.sh"


def job_name(name: str) -> str:
    """A valid job name: lower-case letters, digits and '-', a letter first, 40 at most."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"s-{words[: LONGEST_JOB - 11].strip('-')}-{digest(name)}"


def _names(line: str) -> list[str]:
    return re.findall(r"{{(\w+)}}", line)


def _fill(line: str, values: dict[str, str], *, quote: bool = True) -> str:
    as_is = shlex.quote if quote else str
    return re.sub(r"{{(\w+)}}", lambda match: as_is(values[match[1]]), line)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)
