"""Two processes joined by jax.distributed sample, score and learn as one does."""

import pytest

from agentic_styling.training import train_online
from agentic_styling.training.online import rollouts
from tests.training.online.fixtures import (
    SLOW,
    made_up_rewards,
    online_config,
    same_curves,
)
from tests.training.test_distributed import run_processes
from tests.training.test_loop import metrics

CHILD = """
import json, sys
import jax
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 2)
from agentic_styling.training import start_distributed, train_online
from agentic_styling.training.online import rollouts
from configs.online import get_config
from tests.training.online.fixtures import made_up_rewards
start_distributed(sys.argv[1], 2, int(sys.argv[2]))
rollouts.score_samples = made_up_rewards
config = get_config("GRPO")
config.update(json.loads(sys.argv[3]))
train_online(config, sys.argv[4])
"""


@pytest.mark.slow
def test_two_processes_have_the_rewards_of_one(workplace, tmp_path, monkeypatch):
    monkeypatch.setattr(rollouts, "score_samples", made_up_rewards)
    config = online_config(workplace)
    config.steps, config.learning_rate = 10, SLOW
    train_online(config, tmp_path / "one")
    config.mesh.update(data=2, fsdp=2)
    ended = run_processes(config, tmp_path / "two", tmp_path / "two", child=CHILD)
    assert [status for status, _ in ended] == [0, 0], ended
    assert len(metrics(tmp_path / "one")) == 10
    same_curves(tmp_path / "one", tmp_path / "two")
