"""Train a planner on a directory of trajectories.

python experiments/train.py --config=configs/train.py:standard \
    --config.data=DATA --config.init_from=PLANNER --workdir=WORKDIR
Started again with the same arguments, an interrupted run goes on from its last checkpoint.
"""

import sys
from pathlib import Path

from agentic_styling import cli
from agentic_styling.training import train

CONFIG = Path(__file__).parents[1] / "configs/train.py"

if __name__ == "__main__":
    cli.run_configured(train, str(CONFIG), sys.argv)
