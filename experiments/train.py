"""Train a planner on a directory of trajectories.

python experiments/train.py --config=configs/train.py:standard \
    --config.data=DATA --config.init_from=PLANNER --workdir=WORKDIR
Started again with the same arguments, an interrupted run goes on from its last checkpoint.
--dry_run prints what it would hold and do, and stops. On several hosts start it on each, with
--distributed on a TPU pod or under SLURM, else with --coordinator=HOST:PORT --processes=N
--process=I.
"""

import sys
from pathlib import Path

from agentic_styling.cli import main as cli

CONFIG = Path(__file__).parents[1] / "configs/train.py"

if __name__ == "__main__":
    cli.train(str(CONFIG), sys.argv)
