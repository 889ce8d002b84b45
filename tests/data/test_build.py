"""Building a set: bytes by the seed alone, resumed anywhere, read back whole."""

import itertools
import json
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agentic_styling.data import Trajectory, build, read_trajectories
from agentic_styling.data.goals.sets import read, sets_text
from agentic_styling.data.photos.photos import FLAT
from agentic_styling.data.photos.sources import Source, open_source
from agentic_styling.data.storage import shards
from agentic_styling.utils.errors import InputError
from tests.data.photos.test_sources import noise
from tests.data.stand_in import light_pipeline

SMALL = {"count": 36, "plans_per_context": 3, "size": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(8):
        Image.fromarray(noise(seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def source(folder):
    return open_source(str(folder))


@pytest.fixture(scope="module", autouse=True)
def few_contexts_a_shard():
    with pytest.MonkeyPatch.context() as patch, light_pipeline():
        patch.setattr(build, "CONTEXTS_PER_SHARD", 3)
        yield


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    return root, build.build(root, "complex", source, **SMALL)


def content(directory: Path) -> dict:
    return {
        str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()
    }


def test_a_set_is_read_as_tensorflow_datasets_and_as_trajectories(built):
    tfds = pytest.importorskip("tensorflow_datasets")
    root, directory = built
    rows = tfds.data_source("agentic_styling/complex", data_dir=root, split="train")
    found = read_trajectories(directory, "train", edited=True)
    assert len(rows) == len(found) == 24
    for row, trajectory in zip(rows, found, strict=True):
        assert row["id"].decode() == trajectory.id
        np.testing.assert_array_equal(row["image"], trajectory.image)
        np.testing.assert_array_equal(row["edited"], trajectory.edited)
        assert row["plan"].decode() == trajectory.plan.to_json()
        assert row["reward"] == np.float32(trajectory.reward)
    every = read_trajectories(directory)
    assert Counter(t.split for t in every) == {"train": 24, "validation": 6, "test": 6}
    assert every[0].image is every[1].image  # of one context
    assert every[0].edited is None


def test_records_are_the_trajectories_that_were_made(built, source):
    _, directory = built
    settings = build.context_counts(36, 3)
    photos = build.split_source(source, build.survey(source), build._rank)
    job = build.Job("complex", source, photos, settings, 3, 16, 0, build.Procedural("complex"))
    made, rejects = build.make_shard(job, "train", 1)
    assert not rejects
    found = read_trajectories(directory, "train", edited=True)[9:18]
    for one, other in zip(made, found, strict=True):
        for field in fields(Trajectory):
            a, b = getattr(one, field.name), getattr(other, field.name)
            np.testing.assert_array_equal(a, b) if field.name in ("image", "edited") else None
            assert field.name in ("image", "edited") or a == b


def test_any_number_of_processes_gives_the_same_bytes(built, source, tmp_path):
    _, directory = built
    for process in (1, 2, 0):
        path = build.build(tmp_path, "complex", source, **SMALL, process=process, processes=3)
        assert shards.is_finished(path) == (process == 0)
    assert content(path) == content(directory)


def test_another_seed_another_set_and_other_settings_are_refused(built, source, tmp_path):
    root, directory = built
    before = content(directory)
    with pytest.raises(InputError, match=r"holds a set of seed=0, asked for 1"):
        build.build(root, "complex", source, **SMALL, seed=1)
    assert content(directory) == before
    other = build.build(tmp_path, "complex", source, **SMALL, seed=1)
    assert read_trajectories(other, "test")[0].goal != read_trajectories(directory, "test")[0].goal


@pytest.mark.parametrize("sky", [np.zeros, np.ones])
def test_crops_of_nothing_but_sky_are_drawn_again(sky):
    wide = np.concatenate([255 * sky((96, 300, 3), np.uint8), noise(0)], axis=1)
    for photo, flat in ((wide, False), (wide[:, :300], True)):
        source = Source(("photo",), {0: photo}.__getitem__, "here")
        job = build.Job("simple", source, {"train": [0]}, {}, 1, 16, 0, None)
        crops = [build.draw_context(job, "train", i).pixels for i in range(20)]
        assert all((pixels.mean(-1).std() < FLAT) == flat for pixels in crops)


def test_splits_share_no_photograph(built):
    photos = {}
    for trajectory in read_trajectories(built[1]):
        photos.setdefault(trajectory.split, set()).add(trajectory.photo)
    for one, other in itertools.combinations(photos.values(), 2):
        assert not one & other


def test_the_card_counts_what_the_set_holds(built):
    text = (built[1] / "README.md").read_text()
    found = read_trajectories(built[1])
    good = np.mean([t.reward >= 4 for t in found if t.split == "train"])
    assert text.startswith("# agentic_styling/complex\n\n36 scored trajectories of 3 to 5 steps")
    assert f"| train | 24 | 8 | {len({t.photo for t in found if t.split == 'train'})} |" in text
    assert f"| {good:.0%} |" in text
    for theme, number in Counter(t.theme for t in found).items():
        assert f"| {theme} | {number} |" in text


def test_the_card_tells_the_behaviour(built, source, tmp_path):
    _, directory = built
    good = np.mean([t.reward >= 4 for t in read_trajectories(directory)])
    text, rows = (directory / "README.md").read_text(), read("complex")
    assert f"A script wrote the plans; {good:.0%} score 4 or more. Skills: 1.0 (" in text
    assert f"in {rows['habit_strength']:.0%} of a context's plans" in text
    for kind, share in rows["habits"].items():
        assert f"| {kind} | {share:.0%} |" in text
    teacher = build.Procedural("complex", habits={"misreads": 1.0}, skills={"1.0": 1.0})
    path = build.build(tmp_path, "complex", source, **SMALL, teacher=teacher)
    assert "Skills: 1.0 (100%).\n" in (path / "README.md").read_text()
    made = read_trajectories(path)
    right = [{n: t.plan.context[n] for n in t.state} == t.state for t in made]
    assert 0.1 < np.mean(right) < 0.5  # of 36, 0.3 to be expected
    with pytest.raises(InputError, match="holds a set of teacher="):
        build.build(tmp_path, "complex", source, **SMALL)


@pytest.mark.parametrize(
    ("count", "contexts"),
    [
        (1, {"train": 2, "validation": 2, "test": 2}),
        (60, {"train": 16, "validation": 2, "test": 2}),
        (6000, {"train": 1800, "validation": 80, "test": 120}),
        (10_000, {"train": 3001, "validation": 133, "test": 200}),
    ],
)
def test_every_split_has_two_contexts(count, contexts):
    assert build.context_counts(count, 3) == contexts
    assert build.context_counts(count, 3, "test") == {"test": max(2, -(-count // 3))}


def test_all_photographs_are_for_one_split_where_it_is_asked_for(tmp_path, capsys):
    source = Source(("a", "b"), noise, "here")
    path = build.build(tmp_path, "demo", source, count=4, size=16, only="test")
    assert "count=4: building 6 trajectories, the fewest" in capsys.readouterr().out
    made = read_trajectories(path)
    assert Counter(t.split for t in made) == {"test": 6} and {t.photo for t in made} <= {"a", "b"}
    assert 'split="test"' in (path / "README.md").read_text()
    with pytest.raises(InputError, match="holds a set of only='test', asked for None"):
        build.build(tmp_path, "demo", Source(tuple("abc"), noise, "here"), count=4, size=16)


def test_a_file_of_goals_is_a_set(source, tmp_path):
    rows = json.loads(sets_text("demo")) | {"composed": None, "steps": [1, 4]}
    (tmp_path / "mine.json").write_text(json.dumps(rows))
    path = build.build(tmp_path / "sets", str(tmp_path / "mine.json"), source, **SMALL)
    assert path == shards.set_path(tmp_path / "sets", "mine")
    made = read_trajectories(path)
    assert len(made) == 36 and all(t.theme and t.id.startswith("mine-") for t in made)
    assert json.loads((path / "settings.json").read_text())["set"] == "mine"


@pytest.mark.parametrize(
    "changes",
    [
        {"set_name": "simpel"},
        {"count": 0},
        {"size": 4},
        {"process": 2, "processes": 2},
        {"only": "valid"},
    ],
)
def test_bad_arguments_are_refused(source, tmp_path, changes):
    given = {"set_name": "simple", "source": source} | SMALL | changes
    with pytest.raises(InputError, match="^build: "):
        build.build(tmp_path, **given)
    assert not any(tmp_path.iterdir())


KILLED = textwrap.dedent("""
    import sys
    from agentic_styling.data import build
    from agentic_styling.data.photos import sources
    from tests.data.stand_in import light_pipeline

    def printed(call):
        def run(*args):
            print(call.__name__, flush=True)
            return call(*args)
        return run

    build.CONTEXTS_PER_SHARD = 2
    build.make_shard, build._write = printed(build.make_shard), printed(build._write)
    build.card = printed(build.card)
    with light_pipeline():
        photos = sources.open_source(sys.argv[2])
        build.build(sys.argv[1], "simple", photos, count=90, size=16)
    print("done", flush=True)
""")


def run(root, photos, lines: int | None = None) -> bool:
    """Whether the run came to its end; killed soon after it has printed so many lines."""
    command = [sys.executable, "-c", KILLED, str(root), str(photos)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = list(itertools.islice(process.stdout, lines))
        if lines is not None:
            process.send_signal(signal.SIGKILL)
        return "done\n" in [*told, *process.stdout]


@pytest.mark.slow
def test_a_killed_build_goes_on_to_the_same_bytes(folder, tmp_path):
    """At any moment: while the child goes on, this process wakes up and kills it."""
    assert run(tmp_path / "alone", folder)
    rng, killed = np.random.default_rng(0), 0
    while not run(tmp_path / "killed", folder, rng.integers(6, 16)):
        killed += 1
    assert killed > 1
    assert content(tmp_path / "killed") == content(tmp_path / "alone")
