"""Every option of every command with odd values: done or refused in one line, never a traceback."""

import contextlib
import io
import json
import os
import shlex
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from agentic_styling import data, training
from agentic_styling.cli import main as cli
from agentic_styling.cli import style as style_command
from agentic_styling.data import build
from agentic_styling.data.formats import published
from agentic_styling.evaluation import annotation
from agentic_styling.tools.executor import cube
from tests.data.formats.published_rows import make_row, png, write_rows
from tests.data.small_set import set_trajectories
from tests.slow import slow

PLAN = {"steps": [{"tool": "weather", "parameters": {"weather_type": "fog_dense"}}]}
JSON_TEXTS = {
    "empty": b"",
    "list": b"[]",
    "number": b"1",
    "text": b'"x"',
    "null": b"null",
    "object": b"{}",
    "nan": b"NaN",
    "cut": b'{"steps": [',
    "latin": b'{"steps": "\xe9"}',
    "deep": b"[" * 100_000,
    "nested": b'{"steps": {}, "methods": [], "loss": 3, "model_type": [], "context": 1}',
    "lines": b"[]\n1\n",
    "binary": bytes(range(256)),
}
NUMBERS = ["-1", "nan", "inf", "99999999999999999999", "1e3", "x", "", "0x10", "0.5", "-1e400"]
TEXTS = ["", " ", "\n", "\udcff", "-", "x" * 5000, "%s%n", "gs://b/x", "日本"]
PLACES = ["", "gs://b/run", "hf://a/b", "file:///tmp/x", "/proc/no/where", "/dev/null/x", "\udcff"]
PLACES += ["{file}", "{file}/below/it", "{full}", "{link}", "{loop}", "x" * 300, "é" * 128, "a\nb"]
FILES = [
    "",
    ".",
    "nowhere",
    "gs://b/x",
    "{file}",
    "{file}/x",
    "{full}",
    "{link}",
    "{loop}",
    "\udcff",
]
FILES += ["x" * 300, "/dev/null", *(f"{{{name}}}" for name in JSON_TEXTS)]
HUGE = ["99999999999999999999", "-1", "4294967296"]

# A command, and the odd values of each of its options; {NAME} is a path of `places`.
COMMANDS = {
    "style {photo} --plan {plan} --out {new}": {
        "PHOTO": FILES,
        "--plan": FILES,
        "--out": PLACES,
        "--seed": NUMBERS + HUGE,
        "--temperature": NUMBERS,
        "--samples": [*NUMBERS, "0", "65"],
        "--goal": TEXTS,
        "--planner": FILES,
        "--state": FILES,
    },
    "style {photo} --goal fog --planner {folder} --out {new}": {
        "--planner": [*FILES, *(f"{{planner_{name}}}" for name in JSON_TEXTS)],
        "--temperature": NUMBERS,
    },
    "export-cube {plan} --out {new}": {
        "PLAN": FILES,
        "--out": PLACES,
        "--size": [*NUMBERS, "0", "1", "257"],
    },
    "build simple --photos {photos} --out {new} --count 6 --size 64": {
        "SET": [*FILES, "simpel", "demo", *(f"{{{name}}}.json" for name in ("list", "photo"))],
        "--photos": [*FILES, "hf:{photos}", "hf:gs://b", "tfds:", "tfds:a/b@gs://c", "hf:"],
        "--out": PLACES,
        "--count": [*NUMBERS, "0"],
        "--plans-per-context": [*NUMBERS, "0"],
        "--size": [*NUMBERS, "0", "15", "1025"],
        "--seed": NUMBERS + HUGE,
        "--only": ["", "trian", "test", "all"],
        "--planner": FILES,
        "--model": TEXTS,
        "--temperatures": NUMBERS,
        "--skills": [*NUMBERS, "1=0.5", "x=1", "1=1", "2=1", "=1", "1=nan"],
        "--habits": [*NUMBERS, "misread=1", "misreads=2", "misreads=x", "adds_step=0.5"],
        "--habit-strength": NUMBERS,
        "--prices": NUMBERS,
        "--process": [*NUMBERS, "1"],
        "--processes": [*NUMBERS, "0"],
    },
    "import-published {copy} --out {new} --size 64": {
        "SOURCE": [*FILES, *(f"{{rows_{name}}}" for name in JSON_TEXTS)],
        "--out": PLACES,
        "--size": [*NUMBERS, "0", "63"],
    },
    "export-data {set} --out {new} --format trl": {
        "DIRECTORY": FILES,
        "--out": PLACES,
        "--format": [*TEXTS, "trl "],
    },
    "train --config=train:dpo --config.data={set} --config.init_from={folder} --workdir={new}": {
        "--config": ["", "trian", "train:dop", "nowhere.py", "{file}", "{list}", "{broken}", "."],
        "--config.data": [*TEXTS, "s3://b/x", "{file}", "nowhere"],
        "--config.init_from": [*FILES, *(f"{{planner_{name}}}" for name in JSON_TEXTS)],
        "--config.seed": NUMBERS + HUGE,
        "--config.steps": NUMBERS,
        "--config.batch_size": [*NUMBERS, "0"],
        "--config.learning_rate": ["x", "", "-1", "0"],
        "--config.loss": TEXTS,
        "--config.nothing": ["1"],
        "--workdir": [*PLACES, *(f"{{run_{name}}}" for name in JSON_TEXTS)],
        "--processes": NUMBERS,
        "--dry_run": ["maybe"],
    },
    "evaluate --config.cases={set} --workdir={new}": {
        "--config.methods": [
            *TEXTS,
            "[]",
            "1",
            "{'a': 'nowhere'}",
            "{'a b': None}",
            "{'x': 's3://b'}",
        ],
        "--config.cases": FILES[:11],
        "--config.seed": NUMBERS + HUGE,
        "--config.temperature": ["x", ""],
        "--config.curves": ["{'a': '{list}'}", "{'a': 'nowhere'}", "[", "1", "{'a': '{folder}'}"],
        "--config.training_data": FILES[:11],
        "--workdir": PLACES,
    },
    "report {evaluated}": {"WORKDIR": [*FILES, *(f"{{run_{name}}}" for name in JSON_TEXTS)]},
    "judge {photo} {photo} --goal fog --judge {folder} --out {new}": {
        "PICTURE": FILES,
        "--goal": TEXTS,
        "--judge": [*FILES[:11], *(f"{{planner_{name}}}" for name in ("list", "nested"))],
        "--model": TEXTS,
        "--prices": NUMBERS,
        "--out": PLACES,
    },
    "annotate {set} --out {new}": {
        "DATASET": FILES,
        "--out": [*PLACES, *(f"{{page_{name}}}" for name in JSON_TEXTS)],
        "--contexts": [*NUMBERS, "0"],
        "--seed": NUMBERS + HUGE,
        "--port": [*NUMBERS, "65536"],
    },
    "agreement {set} {file}": {"DATASET": FILES, "ANSWERS": FILES},
    "export {run_object} --out {new}": {
        "WORKDIR": [*FILES, *(f"{{run_{name}}}" for name in JSON_TEXTS)],
        "--out": PLACES,
        "--step": [*NUMBERS, "-2"],
    },
}


def tries(command, options):
    """Command lines: each option with each odd value, without one, twice, and an unknown one."""
    words = shlex.split(command)
    flags = [place for place, word in enumerate(words) if word.startswith("--")]
    for option, values in options.items():
        equals = option.startswith("--") and words[0] in ("train", "evaluate")
        for value in values:
            if not option.startswith("--"):
                yield [words[0], value, *words[2:]]
            elif equals:
                kept = [word for word in words if word.partition("=")[0] != option]
                yield [*kept, f"{option}={value}"]
            else:
                yield [*words, option, value]
        if option.startswith("--"):
            yield [*words, option]
    for place in flags:
        yield words[:place]
    yield [*words, "--no-such-option", "1"]
    yield [*words, "\udcff", "", "-x"]
    yield words[:1]
    yield words


EVERY = [
    (command, argv) for command, options in COMMANDS.items() for argv in tries(command, options)
]
assert len(EVERY) > 500


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Files and directories by name, which are read and never written to."""
    root = tmp_path_factory.mktemp("odd")
    paths = {name: root / name for name in (*JSON_TEXTS, "file", "folder", "full", "link", "loop")}
    for name, text in JSON_TEXTS.items():
        paths[name].write_bytes(text)
        for kind, file in (
            ("planner", "config.json"),
            ("run", "config.json"),
            ("run", "results.json"),
            ("run", "cases.jsonl"),
            ("page", "page.json"),
        ):
            folder = paths[f"{kind}_{name}"] = root / f"{kind}_{name}"
            folder.mkdir(exist_ok=True)
            (folder / file).write_bytes(text)
        paths[f"rows_{name}"] = root / f"rows_{name}.jsonl"
        paths[f"rows_{name}"].write_bytes(text)
    paths["file"].write_text("a file")
    paths["broken"] = root / "broken.py"
    paths["broken"].write_text("def get_config(\n")
    for name in ("folder", "full", "photos", "copy", "set", "evaluated"):
        paths[name] = root / name
        paths[name].mkdir()
    (paths["full"] / "kept").write_text("kept")
    paths["link"].symlink_to(root / "nothing")
    paths["loop"].symlink_to(paths["loop"])
    for seed in range(6):
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        picture = Image.fromarray(pixels).resize((80, 64))
        picture.save(paths["photos"] / f"{seed}.png")
    paths["photo"] = root / "写真.png"
    picture.save(paths["photo"])
    paths["plan"] = root / "plan.json"
    paths["plan"].write_text(json.dumps(PLAN))
    (paths["copy"] / "images").mkdir()
    (paths["copy"] / "images/a.png").write_bytes(png())
    write_rows(paths["copy"], make_row())
    return {name: str(path) for name, path in paths.items()}


# Modules that read the set of a command line.
READERS = ["evaluation.annotation.page", "evaluation.annotation.agreement"]


def module_of(name):
    """A module of the package, also where a function has its name."""
    return import_module(f"agentic_styling.{name}")


class Accepted(Exception):
    """Raised in the place of what takes long, when all has been checked."""


def accepted(*_, **__):
    raise Accepted


@pytest.fixture
def quick(monkeypatch, tmp_path, places):
    """Within it, nothing is compiled, and the set {set} is in memory."""

    def read(directory, *args, read=data.read_trajectories, **keywords):
        same = str(directory) == places["set"]
        return set_trajectories() if same else read(directory, *args, **keywords)

    def frames(images, plans, key):
        return np.zeros((1, 9, *images.shape[1:]), np.float32)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AGENTIC_STYLING_TEACHER_URL", raising=False)
    monkeypatch.delenv("AGENTIC_STYLING_JUDGE_URL", raising=False)
    for module in ("data", "training.setup", "evaluation.evaluate", *READERS):
        monkeypatch.setattr(module_of(module), "read_trajectories", read, raising=False)
    monkeypatch.setattr(module_of("evaluation.evaluate"), "run_method", accepted)
    monkeypatch.setattr(style_command, "execute_steps", frames)
    monkeypatch.setattr(cube, "plan_to_cube", lambda plan, size: (np.zeros((2, 2, 2, 3)), []))
    monkeypatch.setattr(build, "_make", accepted)
    monkeypatch.setattr(published, "write_trajectories", accepted)
    monkeypatch.setattr(module_of("evaluation.annotation.page"), "save_pictures", accepted)
    monkeypatch.setattr(data, "export_data", accepted)
    for module, name in ((training, "start_distributed"), (annotation, "AnnotationServer")):
        monkeypatch.setattr(module, name, accepted)


def status(argv) -> tuple[int, str]:
    """The exit status of a command and its stderr."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        try:
            cli.main(argv)
        except Accepted:
            return 0, ""
        except SystemExit as ended:
            return ended.code or 0, error.getvalue()
    return 0, error.getvalue()


def filled(word, places, new):
    """A word of a command line with its paths."""
    for name, path in (places | {"new": str(new)}).items():
        word = word.replace(f"{{{name}}}", path)
    return word


def check(command, places, folder):
    """Runs the tries of a command; collects those that do not end as they should."""
    kept = [path for name, path in places.items() if name != "full"]  # where results may go
    before = {path: os.lstat(path).st_mtime_ns for path in kept}
    wrong = []
    for number, argv in enumerate(tries(command, COMMANDS[command])):
        argv = [filled(word, places, folder / f"new{number}") for word in argv]
        try:
            code, error = status(argv)
        except BaseException as failed:
            wrong.append((argv, repr(failed)))
            continue
        last = error.splitlines()[-1] if error else ""
        if code not in (0, 2, 75) or (code == 2 and not last.startswith("error: ")):
            wrong.append((argv, code, error))
        if code == 2 and (folder / f"new{number}").exists():
            wrong.append((argv, "refused, but something is written"))
    wrong += [path for path, time in before.items() if os.lstat(path).st_mtime_ns != time]
    assert not wrong, "\n".join(str(case)[:1000] for case in wrong)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "command",
    [slow(c) if c.startswith("build") else c for c in COMMANDS],
    ids=lambda command: " ".join(command.split()[:4]),
)
def test_odd_values_are_refused_in_one_line(command, places, quick, tmp_path):
    check(command, places, tmp_path)
