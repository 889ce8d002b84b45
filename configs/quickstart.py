"""The demo: photographs to post-trained planners and a report, on two CPU cores.

python experiments/quickstart.py --workdir=runs/quickstart
python experiments/quickstart.py --config.photos=my/photos --workdir=runs/mine
python experiments/quickstart.py --config=configs/quickstart.py:smoke --workdir=runs/smoke
"""

from ml_collections import ConfigDict


def get_config(arg: str = "") -> ConfigDict:
    config = ConfigDict()
    config.photos = ""  # a folder; empty for those of this package, of which 13 are for test
    config.goal = "golden-hour winter wonderland"  # of three photographs, styled by the starter
    config.seed = 0
    config.picture_size = 128
    config.count = 3200  # trajectories: 720 contexts for training
    config.plans_per_context = 4
    config.cases = 200  # contexts of the package's test photographs; others: the set's test split
    # The teacher's habits: the kinds of data/teachers/habits.py, and how many plans follow them.
    config.habits = ConfigDict({"neighbour": 0.3, "adds_step": 0.3, "full_strength": 0.3})
    config.habit_strength = 0.7
    config.batch_size = 32
    config.microbatches = 8  # a few rows at a time fit a CPU's caches
    config.length_buckets = 4
    config.steps = 100  # of S, from the base planner
    config.learning_rate = 1e-3
    config.post_steps = 40  # of each post-training, from the S checkpoint
    config.post_learning_rate = 1e-4
    if arg == "smoke":  # seconds instead of minutes, for the tests; the planner learns nothing
        config.goal, config.count, config.cases, config.picture_size = "", 64, 6, 64
        config.batch_size, config.microbatches, config.length_buckets = 4, 1, 1
        config.steps, config.post_steps = 4, 2
    elif arg:
        raise ValueError(f"configs/quickstart.py:{arg} is unknown; use :smoke or nothing")
    return config
