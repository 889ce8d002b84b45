"""Whole runs that read a stream: they train, resume bit for bit, and refuse what does not fit."""

import json
import os
import signal

import jax
import numpy as np
import pytest
from PIL import Image

from agentic_styling.data import stream
from agentic_styling.planner import Tokenizer, load_pretrained
from agentic_styling.training import dry_run, train
from agentic_styling.training.batches.stream import StreamData
from agentic_styling.training.config import checked
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.monitoring.monitor import Monitor
from agentic_styling.training.setup import planner_model
from agentic_styling.training.step import completion_logps
from agentic_styling.utils.errors import InputError, Preempted
from tests.data.photos.test_sources import noise
from tests.training.fixtures import SIDE, make_config
from tests.training.test_loop import metrics, same_planner

STATES = ({"color_grading": "monochrome_bw"}, {"color_grading": "sepia_vintage"})
STEPS = 3


@pytest.fixture(scope="module", autouse=True)
def few_states():
    """Two states, so that few kernels compile."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stream, "sample_state", lambda rng: STATES[rng.integers(2)])
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(2):
        Image.fromarray(noise(seed)).save(folder / f"{seed}.png")
    return folder


def stream_config(workplace, photos, method="standard", **fields):
    config = make_config(workplace, method, steps=STEPS, checkpoint_every=10, max_length=640)
    config.data = ""
    config.stream.update(photos=str(photos), size=SIDE)
    config.stream.goals = {"read": 1.0}  # short rows
    config.update(**fields)
    return config


@pytest.fixture(scope="module")
def whole(workplace, photos, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("stream") / "whole"
    train(stream_config(workplace, photos), workdir)
    return workdir


def test_a_run_reads_the_stream(workplace, whole):
    assert [line["step"] for line in metrics(whole)] == [1, 2, 3]
    before, after = (load_pretrained(d / "planner")[1] for d in (workplace, whole))
    assert all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), before, after)))
    assert set(json.loads((whole / "config.json").read_text())["digests"]) == {
        "init_from",
        "stream",
    }


def test_a_stopped_run_resumes_bit_for_bit(workplace, photos, whole, tmp_path):
    config, count = stream_config(workplace, photos), Monitor.count

    def count_and_terminate(self, *args):
        count(self, *args)
        if self._progress.n == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Monitor, "count", count_and_terminate)
        with pytest.raises(Preempted, match="saved after step 2 of 3"):
            train(config, tmp_path / "run")
    assert metrics(tmp_path / "run") == metrics(whole)[:2]
    train(config, tmp_path / "run")
    assert metrics(tmp_path / "run") == metrics(whole)
    same_planner(tmp_path / "run/planner", whole / "planner")


def test_micro_batches_without_pictures_skip_the_vision_tower(workplace, photos):
    config = stream_config(workplace, photos, batch_size=8, microbatches=4, length_buckets=2)
    config.max_length = 1024
    config.stream.goals = {"read": 1.0, "text": 1.0}
    config = checked(config)
    model = planner_model(config, make_mesh(config.mesh))
    data = StreamData(config, Tokenizer(config.init_from), model)
    batch, model = data.batch(0), data.with_layout(model)
    shown = batch.pictures.any(axis=1)
    assert model.mixed and shown.tolist() == [False, True, True, True]
    np.testing.assert_array_equal(
        batch.pictures, (batch.tokens == Tokenizer(config.init_from).image_pad).any(axis=2)
    )
    _, params = load_pretrained(config.init_from, dtype="float32")

    def logps(model, part):
        part = jax.tree.map(lambda x: x[part], batch)
        return jax.jit(completion_logps, static_argnums=0)(model, params, {}, part)

    for part in range(4):
        expected = logps(model._replace(mixed=False), part)
        np.testing.assert_allclose(logps(model, part), expected, rtol=1e-5)


def test_a_dry_run_says_what_a_stream_is(workplace, photos, tmp_path, capsys):
    dry_run(stream_config(workplace, photos), tmp_path / "run")
    assert "the first batch of 4 examples, of an endless stream" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "fields", "message"),
    [
        ("standard", {"data": "some/set"}, "but config.data is set too; set one"),
        ("dpo", {}, "a stream has no rewards, which 'dpo' needs"),
        ("standard", {"packing": True}, "config.packing: True with a stream; use False"),
        ("standard", {"modality": "text"}, "config.modality: text with a stream; use vision"),
        ("standard", {"validate_every": 2}, "config.validate_every: 2 with a stream; use 0"),
        ("standard", {"max_length": 60}, "config.max_length: 60, but example stream-"),
        ("standard", {"stream": {"size": 8}}, "config.stream.size: 8 is too small"),
        ("standard", {"stream": {"photos": "/nowhere"}}, "/nowhere"),
        ("standard", {"stream": {"goals": {"read": -1.0}}}, "config.stream.goals.read: -1.0 is"),
    ],
)
def test_bad_configs_are_refused_in_a_line(workplace, photos, tmp_path, method, fields, message):
    with pytest.raises(InputError) as caught:
        train(stream_config(workplace, photos, method, **fields), tmp_path / "run")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
