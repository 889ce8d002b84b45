"""The demo: photographs to a post-trained planner and a report, on two CPU cores.

python experiments/quickstart.py --workdir=runs/quickstart
python experiments/quickstart.py --config.photos=my/photos --workdir=runs/mine
python experiments/quickstart.py --config=configs/quickstart.py:smoke --workdir=runs/smoke
"""

from ml_collections import ConfigDict


def get_config(arg: str = "") -> ConfigDict:
    config = ConfigDict()
    config.photos = ""  # a folder; empty for those of this package, of which 13 are for test
    config.seed = 0
    config.picture_size = 128
    config.count = 6000  # trajectories: 1,800 contexts for training, 120 for test
    config.plans_per_context = 3
    config.preset = "tiny"
    config.vocab_size = 1536
    config.batch_size = 32
    config.microbatches = 8  # a few rows at a time fit a CPU's caches
    config.length_buckets = 4
    config.steps = 500  # of S, from random weights
    config.learning_rate = 4e-3
    config.post_steps = 100  # of each post-training, from the S checkpoint
    config.post_learning_rate = 3e-5  # at 3e-4 SW and DPO forget the plan format
    if arg == "smoke":  # seconds instead of minutes, for the tests; the planner learns nothing
        config.count, config.picture_size = 72, 64
        config.batch_size, config.microbatches, config.length_buckets = 4, 1, 1
        config.steps, config.post_steps = 4, 2
    elif arg:
        raise ValueError(f"configs/quickstart.py:{arg} is unknown; use :smoke or nothing")
    return config
