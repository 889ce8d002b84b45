"""Evaluation of planners on held-out cases.

agentic-styling evaluate --config=configs/evaluate.py --config.cases=DATA \
    --config.methods='{"edit_only": None, "mine": "PLANNER"}' --workdir=WORKDIR
The fields are in evaluation/evaluate.py.
"""

from agentic_styling.evaluation import default_config as get_config

__all__ = ["get_config"]
