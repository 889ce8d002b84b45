"""Two processes joined by jax.distributed train as one does."""

import json
import os
import re
import socket
import subprocess
import sys

import numpy as np
import pytest

from agentic_styling.training import train
from tests.training.fixtures import make_config

CHILD = """
import json, sys
import jax
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 2)
from configs.train import get_config
from agentic_styling.training import start_distributed, train
start_distributed(sys.argv[1], 2, int(sys.argv[2]))
assert jax.device_count() == 4
config = get_config("dpo")
config.update(json.loads(sys.argv[3]))
train(config, sys.argv[4])
"""


def losses(workdir):
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def run_processes(config, *workdirs, child=CHILD):
    """One process for each workdir; exit statuses and what they wrote to stderr."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", child, address, str(i), config.to_json(), str(workdir)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, workdir in enumerate(workdirs)
    ]
    errors = [child.communicate()[1] for child in children]
    return [(child.returncode, error) for child, error in zip(children, errors, strict=True)]


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(workplace):
    """Their own parts of the pictures, one stored reference, one set of files; and they resume."""
    config = make_config(workplace, "dpo", steps=6, microbatches=2, packing=True, batch_size=8)
    config.validate_every = 3
    config.mesh.update(data=2, fsdp=2, tensor=1)
    train(config, workplace / "one")
    workdir = workplace / "two"
    ended = run_processes(config, workdir, workdir)
    assert [status for status, _ in ended] == [0, 0], ended
    np.testing.assert_allclose(losses(workdir), losses(workplace / "one"), atol=1e-5)
    assert (workdir / "planner/model.safetensors").exists()
    # What two processes saved, one takes up: at its end there is nothing left to train.
    one = (workplace / "one/planner/model.safetensors").stat().st_size
    assert (workdir / "planner/model.safetensors").stat().st_size == one
    (workdir / "planner").rename(workdir / "theirs")
    alone = make_config(workplace, "dpo", steps=6, packing=True, batch_size=8, validate_every=3)
    train(alone, workdir)
    theirs, ours = (workdir / n / "model.safetensors" for n in ("theirs", "planner"))
    assert theirs.read_bytes() == ours.read_bytes()  # copied out of one checkpoint


@pytest.mark.slow
def test_workdirs_that_are_not_shared_are_refused(workplace, tmp_path):
    config = make_config(workplace, "dpo")
    for status, error in run_processes(config, tmp_path / "a", tmp_path / "b"):
        assert status and re.search(r"InputError: .*process 1 does not see the files of pr", error)
    assert not list(tmp_path.iterdir())
