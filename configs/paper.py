"""The paper's training runs: DATASET-MODALITY-SIZE-METHOD, 3 x 2 x 2 x 5 of them.

python experiments/train.py --config=configs/paper.py:regular-vision-4b-sw \
    --config.init_from=Qwen3-VL-4B-Instruct --workdir=runs/regular-4b-sw

The set is the one that `agentic-styling build DATASET --out data` makes, unless config.data says
another.
DATASET simple, regular or complex; MODALITY vision or text; SIZE 4b or 8b; METHOD s, r, rw, sw or
d. Hyper-parameters are those of the paper's release (arXiv 2603.07148): adapters of rank 16, three
epochs of 10,000 trajectories by 64, a learning rate of 2e-6. All methods have that one, so that
they can be compared; with `-release` after the METHOD it is 2e-5 for RW and SW, as released.
The mesh is all devices on the axis fsdp.
"""

from agentic_styling.data.goals.sets import PAPER_SETS
from agentic_styling.data.storage.shards import NAME, VERSION
from agentic_styling.training import default_config
from agentic_styling.utils.errors import InputError, nearest

DATASETS = PAPER_SETS
MODALITIES = ("vision", "text")
SIZES = {"4b": "Qwen3-VL-4B-Instruct", "8b": "Qwen3-VL-8B-Instruct"}
METHODS = {"s": "S", "r": "R", "rw": "RW", "sw": "SW", "d": "D"}
RELEASED_RATES = {"rw": 2e-5, "sw": 2e-5}
TRAJECTORIES, EPOCHS, BATCH = 10_000, 3, 64
FORM = "DATASET-MODALITY-SIZE-METHOD, as regular-vision-4b-sw"


def get_config(arg: str = "regular-vision-4b-sw"):
    parts = arg.split("-")
    release = parts[4:] == ["release"]
    if len(parts) != 4 + release:
        raise InputError(f"configs/paper.py:{arg} is not {FORM}")
    for part, known in zip(parts, (DATASETS, MODALITIES, SIZES, METHODS), strict=False):
        if part not in known:
            raise InputError(f"configs/paper.py:{arg}: {part!r} is unknown; {nearest(part, known)}")
    dataset, modality, size, method = parts[:4]

    config = default_config(METHODS[method])
    config.data = f"data/{NAME}/{dataset}/{VERSION}"
    config.init_from = SIZES[size]
    config.modality = modality
    config.max_length = 2048
    config.batch_size = BATCH * (2 if method == "d" else 1)  # a pair is two examples
    config.microbatches = 4
    # As many updates for every method: for R and D, which have fewer examples, more epochs.
    config.steps = EPOCHS * TRAJECTORIES // BATCH
    config.warmup_steps = 100
    config.learning_rate = RELEASED_RATES.get(method, 2e-6) if release else 2e-6
    config.weight_decay = 0.01
    config.clip_norm = 1.0
    config.packing = True
    config.packed_length = 2048
    config.lora.update(rank=16, alpha=32.0, dropout=0.05)
    config.compute.update(dtype="bfloat16", remat="full")
    config.mesh.update(data=1, fsdp=-1)
    return config
