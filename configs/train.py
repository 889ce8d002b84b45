"""Training of a planner.

python experiments/train.py --config=configs/train.py:standard \
    --config.data=DATA --config.init_from=PLANNER --workdir=WORKDIR
The argument is a loss of agentic_styling.losses.LOSSES or a preset of PRESETS (S, R, RW, SW, D,
released_code); the fields are in training/settings.py.
"""

from agentic_styling.training import default_config as get_config

__all__ = ["get_config"]
