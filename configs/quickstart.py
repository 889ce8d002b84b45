"""The demo: photographs to a post-trained planner and a report, on two CPU cores.

python experiments/quickstart.py --workdir=runs/quickstart
python experiments/quickstart.py --config.photos=my/photos --workdir=runs/mine
python experiments/quickstart.py --config=configs/quickstart.py:smoke --workdir=runs/smoke
"""

from ml_collections import ConfigDict


def get_config(arg: str = "") -> ConfigDict:
    config = ConfigDict()
    config.photos = ""  # a folder; empty for those bundled in scikit-image and scikit-learn
    config.seed = 0
    config.picture_size = 128
    config.train_contexts = 2000
    config.plans_per_context = 3
    config.test_cases = 120
    config.preset = "tiny"
    config.vocab_size = 1536
    config.batch_size = 32
    config.microbatches = 8  # a few rows at a time stay in a CPU's caches
    config.length_buckets = 4
    config.steps = 500  # of S, from scratch
    config.learning_rate = 4e-3
    config.post_steps = 100  # of each post-training, from the S checkpoint
    config.post_learning_rate = 3e-5  # at 3e-4 SW and DPO lose the plan format within 100 updates
    if arg == "smoke":  # minutes become seconds: for the tests, nothing is learnt
        config.train_contexts, config.test_cases, config.picture_size = 8, 8, 64
        config.batch_size, config.microbatches, config.length_buckets = 4, 1, 1
        config.steps, config.post_steps = 4, 2
    elif arg:
        raise ValueError(f"configs/quickstart.py:{arg} is unknown; use :smoke or nothing")
    return config
