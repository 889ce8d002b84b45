"""Pretraining of a small planner on a stream of fresh examples, in two stages.

python experiments/pretrain.py --config=configs/pretrain.py:base --config.photos=PHOTOS \
    --workdir=runs/base
python experiments/pretrain.py --config=configs/pretrain.py:starter --config.photos=PHOTOS \
    --config.init_from=runs/base/training/planner --workdir=runs/starter
"""

from ml_collections import ConfigDict

ARGUMENTS = ("base", "starter", "smoke")


def get_config(arg: str = "base") -> ConfigDict:
    if arg not in ARGUMENTS:
        raise ValueError(f"configs/pretrain.py:{arg} is unknown; use one of {', '.join(ARGUMENTS)}")
    config = ConfigDict()
    config.photos = ""  # a folder of photographs; those held out for evaluation are skipped
    config.init_from = ""  # the planner to start from; empty: a new one of config.model
    config.extend_to = 0  # tokens of its vocabulary, with words of the goals added; 0: as it is
    config.seed = 0
    config.picture_size = 128  # pixels of a side

    config.model = ConfigDict()  # of a new planner
    config.model.patch_size = 16  # pixels of a side
    config.model.merge_size = 2  # patches of a side that become one token
    config.model.vision_depth = 4  # blocks of the vision tower
    config.model.vision_width = 128  # a multiple of 32
    config.model.text_depth = 4  # layers of the decoder
    config.model.text_width = 160  # a multiple of 32
    config.model.vocab_size = 2048  # at most, of the tokenizer
    config.model.dtype = "float16"  # of all saved weights

    # Weights of the kinds of examples, see agentic_styling/data/stream.py. A few whole plans belong
    # to the first stage: after reading alone all other words were so unlikely (13.6 nats a token)
    # that the next stage took 200 updates to undo it.
    config.goals = ConfigDict(
        {
            "read": 1.0,
            "text": 0.0,
            "simple": 0.1,
            "regular": 0.1,
            "complex": 0.1,
            "demo": 0.0,
            "wishes": 0.2,
        }
    )

    config.steps = 6000
    config.batch_size = 32
    config.microbatches = 4  # a few rows at a time fit a CPU's caches
    config.max_length = 512  # tokens of an example; a longer one is an error
    config.length_buckets = 4
    config.optimizer = "muon"
    config.learning_rate = 2e-3
    config.ema_decay = 0.99
    config.log_every = 10
    config.checkpoint_every = 200
    if arg == "starter":
        config.goals.update(read=2.0, text=7.0, wishes=0.4)
        config.goals.update(simple=0.1, regular=0.15, complex=0.15, demo=0.6)
        # Rows are of many lengths, from 50 to 300 tokens; in fewer buckets a third was padding.
        config.batch_size, config.microbatches, config.length_buckets = 96, 16, 8
        config.steps, config.learning_rate = 3000, 2e-3
    elif arg == "smoke":  # seconds, for the tests; the planner learns nothing
        config.picture_size, config.batch_size, config.microbatches, config.steps = 64, 8, 1, 2
        config.model.update(vision_depth=2, vision_width=32, text_depth=2, text_width=32)
        config.length_buckets, config.log_every = 1, 1
    return config
