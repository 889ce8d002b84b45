"""Training of a planner.

python experiments/train.py --config=configs/train.py:standard \
    --config.data=DATA --config.init_from=PLANNER --workdir=WORKDIR
The argument is a loss of agentic_styling.losses.LOSSES.
"""

import ml_collections

from agentic_styling.losses import LOSSES


def get_config(method: str = "standard") -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.seed = 0
    config.data = ""  # directory of trajectories; the train split is read
    config.init_from = ""  # Hugging Face directory: config, weights, tokenizer

    config.loss = method
    # Options of the loss, e.g. --config.loss_kwargs.beta=0.2
    options = LOSSES[method].options if method in LOSSES else {}
    config.loss_kwargs = ml_collections.ConfigDict(options)
    # token-mean, seq-mean-token-sum or seq-mean-token-mean; pairs are averaged over pairs.
    config.reduction = "token-mean"

    config.steps = 500
    config.batch_size = 32  # rows; a pair is two rows
    config.microbatches = 1  # parts of a batch that run one after another: less memory, same result
    config.max_length = 1024  # tokens of a row; a longer one is an error, nothing is cut
    config.learning_rate = 1e-3 if method == "standard" else 1e-4
    config.warmup_steps = 20
    config.weight_decay = 0.01
    config.clip_norm = 1.0

    config.mesh = ml_collections.ConfigDict({"data": -1, "fsdp": 1, "tensor": 1})
    config.checkpoint_every = 100
    config.log_every = 1
    return config
