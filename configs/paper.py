r"""The 60 training runs of the paper, arXiv 2603.07148: DATASET-MODALITY-SIZE-METHOD.

    agentic-styling train --config=paper:regular-vision-4b-sw \
        --config.init_from=Qwen3-VL-4B-Instruct --workdir=runs/regular-4b-sw

DATASET is simple, regular or complex, as written by `agentic-styling build DATASET --out data`
(or give config.data); MODALITY is vision or text; SIZE is 4b or 8b; METHOD is s, r, rw, sw or d.

Hyper-parameters are those of the paper's release: adapters of rank 16, three epochs of 10,000
trajectories in batches of 64, and a learning rate of 2e-6. All methods have the same rate, so that
they can be compared; `-release` after the METHOD gives RW and SW 2e-5, as released. All devices are
on the mesh axis fsdp.
"""

from agentic_styling.data.storage.shards import NAME, VERSION
from agentic_styling.training import default_config
from agentic_styling.utils.errors import InputError, nearest

DATASETS = ("simple", "regular", "complex")
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
    config.batch_size = BATCH * (2 if method == "d" else 1)  # a pair has two examples
    config.microbatches = 4
    # The same number of updates for every method: R and D, with fewer examples, see more epochs.
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
