"""The offline RL testbed: cells of behaviour, planner and methods, trained and measured.

python experiments/replicate.py --config=replicate:main --config.photos=PHOTOS \
    --config.planners.small=PLANNER --workdir=runs/replicate

The argument is main, phase, paper or smoke. Every field holds for all cells; a cell of
config.cells sets its own values of some. On a pod, config.planners.small and .large are Qwen3-VL
directories; config.training sets what such sizes need, as --config.training.lora.rank=16.
"""

from ml_collections import ConfigDict

ARGUMENTS = ("main", "phase", "paper", "smoke")
MAIN = ("S+", "R", "RW", "SW", "D", "swift", "rloo", "topr", "asymre", "kto", "qrpo", "best")
PAPER = ("S+", "R", "RW", "SW", "D")
STRENGTHS, PLANS = (0.0, 0.4, 0.6, 0.8), (1, 2, 4, 8)
HABITS = {"neighbour": 0.5}  # half of the pairs of a theme and a tool


def get_config(arg: str = "main") -> ConfigDict:
    if arg not in ARGUMENTS:
        raise ValueError(
            f"configs/replicate.py:{arg} is unknown; use one of {', '.join(ARGUMENTS)}"
        )
    config = ConfigDict()
    config.photos = (
        ""  # a folder; those of data/held_out.json are for test; empty: the bundled ones
    )
    config.out = "experiments/results/replication"  # folder of the rows
    config.planners = ConfigDict({"small": "", "large": ""})  # directories of planners that see
    config.endpoint = ""  # model at AGENTIC_STYLING_PLANNER_URL that is measured as G; empty: none
    config.picture_size = 128  # pixels of a side
    config.planner = "small"  # which of config.planners
    config.modality = "vision"  # or "text"

    # The behaviour: a set of the scripted teacher.
    config.set = "demo"
    config.habit_strength = 0.75  # share of a context's plans that follow the habits
    config.habits = ConfigDict(HABITS)  # kind -> share of keys, as for build; empty: of the set
    config.skills = ()  # (("1.0", 0.7), ...): shares of the plans by skill; empty: of the set
    config.plans_per_context = 4
    config.contexts = 1500  # of all splits: 90 % train, 4 % validation
    config.data_seed = 0

    config.cases = 200  # test contexts, the same for all cells of a set
    config.least_photos = 20  # fewer test photographs are refused
    config.samples = 8  # plans of a case at temperature 1
    config.max_new_tokens = 320

    config.seeds = (0, 1, 2, 3, 4)  # of training
    config.methods = MAIN  # arguments of configs/train.py; S+ is S trained on
    # Controls: what a method is trained on. shuffled: the rewards of each context in another order;
    # constant: all rewards equal; oracle: only plans that do what was asked.
    config.controls = ConfigDict(
        {"shuffled": ("R", "RW", "swift", "D"), "constant": ("R", "RW"), "oracle": ("S+",)}
    )
    # Without training: E (Edit-Only), B (the planner before S), the best plan of the data.
    config.untrained = ("E", "B", "best_of_data")
    config.steps = 40  # updates of every method, from S
    config.equal_rate = 1e-4  # learning rate of the table at one equal rate
    # Trials of each method with the first seed: every rate with every weight of the KL to S. The
    # best on the validation split is trained with all seeds. Without rates: the equal rate only.
    config.rates = (3e-4, 1e-4)
    config.kl_coef = (0.0, 0.1)  # the first is that of the equal rate
    config.beta = (0.1, 0.5)  # the same for methods that have beta instead
    config.validate_cases = 60  # contexts by whose greedy plans trials are compared
    # Fields of configs/train.py of all runs, and of S alone.
    config.training = ConfigDict({"batch_size": 32, "microbatches": 4, "length_buckets": 2})
    config.training.lora = ConfigDict({"rank": 0})
    config.standard = ConfigDict(
        {"steps": 300, "learning_rate": 1e-3, "validate_every": 100, "patience": 2}
    )
    config.cells = ConfigDict({"main": {}})
    if arg == "phase":
        config.seeds, config.rates, config.samples = (0, 1), (), 4
        config.methods, config.controls = ("S+", "RW", "swift", "D"), ConfigDict()
        config.standard.steps, config.untrained = 200, ()
        config.cells = ConfigDict(
            {f"h{100 * h:.0f}-p{n}": _behaviour(h, n) for h in STRENGTHS for n in PLANS}
        )
    elif arg == "paper":
        config.seeds, config.rates, config.samples = (0, 1, 2), (), 4
        config.methods, config.controls = PAPER, ConfigDict()
        config.habits, config.habit_strength = ConfigDict(), 0.7  # those of the sets
        config.cells = ConfigDict(
            {
                f"{name}-{modality}-{size}": {"set": name, "modality": modality, "planner": size}
                | ({"seeds": (0,)} if size == "large" else {})
                for name in ("simple", "regular", "complex")
                for modality in ("text", "vision")
                for size in ("small", "large")
            }
        )
    elif arg == "smoke":  # seconds, for the tests; the planner learns nothing
        config.picture_size, config.contexts, config.cases, config.samples = 64, 12, 4, 2
        config.max_new_tokens = 96  # a context and a step of a plan that is cut
        config.least_photos, config.seeds, config.methods = 2, (0, 1), ("RW", "D")
        config.rates = (1e-4,)
        config.controls = ConfigDict({"shuffled": ("RW",)})
        config.steps, config.validate_cases, config.kl_coef, config.beta = 2, 2, (0.0,), (0.1,)
        config.training.update(batch_size=8, microbatches=1, length_buckets=1)
        config.standard.update(steps=2, validate_every=2)
        config.cells = ConfigDict({"smoke": {}})
    return config


def _behaviour(strength: float, plans: int) -> dict:
    """A cell of the phase diagram. Methods that compare plans of a context need two."""
    cell = {"habit_strength": strength, "plans_per_context": plans}
    return cell | ({"methods": ("S+", "RW")} if plans == 1 else {})
