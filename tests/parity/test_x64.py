"""With JAX_ENABLE_X64=1 all is as without it: the same programs, types and numbers."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from agentic_styling.cli.main import main
from agentic_styling.planner import Planner, new_planner
from agentic_styling.rewards import render_reference, score
from agentic_styling.rewards.held_out import held_out_reward
from agentic_styling.tools import Plan, Step, encode_plans, execute, execute_steps
from agentic_styling.tools.executor.cube import plan_to_cube
from agentic_styling.training import export_checkpoint, train
from tests.training.fixtures import make_config, make_workplace

pytestmark = pytest.mark.parity
PICTURE = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def planner(tmp_path_factory):
    directory = tmp_path_factory.mktemp("x64") / "planner"
    options = {"preset": "tiny", "vocab_size": 300, "picture_size": 64, "seed": 1}
    new_planner(directory, ["A misty dawn."], **options)
    return directory


@pytest.fixture
def both():
    """(function) -> its results without and with 64-bit types."""

    def run(function):
        before = function(32)
        jax.config.update("jax_enable_x64", True)
        try:
            return before, function(64)
        finally:
            jax.config.update("jax_enable_x64", False)

    return run


def assert_same(one, other):
    leaves, others = jax.tree.leaves(one), jax.tree.leaves(other)
    assert [x.dtype for x in leaves] == [x.dtype for x in others]
    jax.tree.map(np.testing.assert_array_equal, leaves, others)


def test_tools_and_rewards(both):
    hail = Step("So.", "weather", {"weather_type": "hail"})
    autumn = Step("So.", "season", {"target_season": "autumn_falling"})
    plan = Plan({}, (hail, autumn), "A hailstorm in autumn.")

    def run(_):
        source = np.float32(PICTURE[None] / 255)
        plans, key = encode_plans([plan]), jax.random.key(3)
        result = execute(source, plans, key)
        reference = render_reference(source, plans)
        scores = score(source, result, plans), held_out_reward(reference, result)
        others = execute_steps(source, plans, key), plan_to_cube(plan, 5)[0]
        return jax.device_get((plans, result, scores, *others))

    assert_same(*both(run))


def test_plans(both, planner):
    def run(_):
        options = {"num_samples": 3, "temperature": 1.0, "max_new_tokens": 100}
        return Planner.from_pretrained(planner).plan(PICTURE[None], ["fog"], **options)

    before, after = both(run)
    assert before == after and all(before[0])


def test_new_planners(both, tmp_path):
    def run(bits):
        directory = tmp_path / str(bits)
        options = {"preset": "tiny", "vocab_size": 300, "picture_size": 64, "seed": 1}
        new_planner(directory, ["A misty dawn."], **options)
        return (directory / "model.safetensors").read_bytes()

    before, after = both(run)
    assert before == after


def test_style(both, planner, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "p.png")

    def run(bits):
        out = tmp_path / str(bits)
        given = ["--goal", "fog", "--planner", str(planner), "--out", str(out)]
        main(["style", str(tmp_path / "p.png"), *given, "--temperature", "1"])
        return [(out / name).read_bytes() for name in ("p.png", "p.plan.json")]

    before, after = both(run)
    assert before == after


def test_training_of_adapters(both, tmp_path):
    make_workplace(tmp_path)
    config = make_config(tmp_path, "dpo", steps=2, batch_size=2)
    config.lora.update(rank=2, dropout=0.1)

    def run(bits):
        workdir = tmp_path / str(bits)
        train(config, workdir)
        export_checkpoint(workdir, tmp_path / f"exported {bits}")
        losses = [json.loads(x)["loss"] for x in (workdir / "metrics.jsonl").open()]
        files = workdir / "planner/adapters", tmp_path / f"exported {bits}/adapters"
        return losses, *((f / "adapter_model.safetensors").read_bytes() for f in files)

    before, after = both(run)
    assert before == after
