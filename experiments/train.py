r"""Trains a planner on a data set; the same as `agentic-styling train`.

    python experiments/train.py --config=train:standard --config.data=DATA \
        --config.init_from=PLANNER --workdir=WORKDIR

An interrupted run resumes from its last checkpoint when the same command is run again. --dry_run
prints shapes, memory and FLOPs, and stops. On several hosts run it on each, with --distributed on a
TPU pod or under SLURM, else with --coordinator=HOST:PORT --processes=N --process=I.
"""

import sys

from agentic_styling.cli.training import train

if __name__ == "__main__":
    train(sys.argv)
