r"""Training of a planner.

    agentic-styling train --config=train:dpo --config.data=DATA --config.init_from=PLANNER \
        --workdir=runs/dpo

The argument is a loss of agentic_styling.losses.LOSSES, or a preset of PRESETS: S, R, RW, SW and D,
the methods of arXiv 2603.07148, released_code, or RLOO; the others are online and need fresh
samples. It sets the loss, its options, the reduction and the learning rate. An interrupted run
resumes from its last checkpoint when the same command is run again.
"""

from ml_collections import ConfigDict

from agentic_styling.losses import LOSSES, PRESETS, REDUCTIONS, Preset


def get_config(arg: str = "standard") -> ConfigDict:
    reductions = LOSSES[arg].reductions if arg in LOSSES else tuple(REDUCTIONS)
    preset = PRESETS.get(arg, Preset(arg, reductions[0]))
    options = LOSSES[preset.loss].options if preset.loss in LOSSES else {}

    config = ConfigDict()
    config.seed = 0  # seed of the order of examples, new adapters and dropout
    config.data = ""  # directory of a data set; its train split is read
    config.stream = ConfigDict()  # instead of config.data: endless fresh examples, loss standard
    config.stream.photos = ""  # a folder of photographs, as for build; empty: no stream
    config.stream.size = 128  # pixels of a picture's side
    # weights of the kinds of examples; read: only the context, of goals of all kinds; text: only
    # the steps, without a picture
    config.stream.goals = ConfigDict(
        {
            "read": 0.0,
            "text": 0.0,
            "simple": 1.0,
            "regular": 1.0,
            "complex": 1.0,
            "demo": 1.0,
            "wishes": 1.0,
        }
    )
    config.init_from = ""  # Hugging Face directory: config, weights and tokenizer

    config.loss = preset.loss  # a name of agentic_styling.losses.LOSSES
    # options of the loss, such as --config.loss_kwargs.beta=0.2; each loss has its own
    config.loss_kwargs = ConfigDict(options | preset.options)
    # token-mean, seq-mean-token-sum or seq-mean-token-mean; for pairs seq-mean-token-sum only,
    # which is the mean over pairs.
    config.reduction = preset.reduction
    # "stored": computed once, before the first step; "adapter_off": in every step, by the model
    # without its adapters.
    config.reference = "stored"
    config.modality = "vision"  # or "text": the known state in words instead of the picture

    config.steps = 500  # number of updates
    config.batch_size = 32  # examples of an update; a pair is two
    config.microbatches = 1  # parts of a batch, one after another: less memory, the same result
    config.max_length = 1024  # tokens of an example; a longer one is an error, nothing is cut
    config.length_buckets = 4  # row lengths to compile for, at most; similar lengths are batched
    config.packing = False  # several examples in a row, with separate attention: less padding
    config.packed_length = 0  # tokens of a packed row; 0: those of the longest example

    config.optimizer = "adamw"  # or "muon", not for adapters: fewer updates from random weights
    config.learning_rate = 1e-3 if preset.loss == "standard" else 1e-4  # peak of the schedule
    config.schedule = "cosine"  # or "linear" or "constant", after the warm-up
    config.warmup_steps = -1  # linear warm-up; -1: 20, or a quarter of a run under 80 steps
    config.weight_decay = 0.01  # as in AdamW; norms and biases have none
    config.clip_norm = 1.0  # largest global norm of a gradient
    config.moment_dtype = "float32"  # or "bfloat16": of the optimiser's moments
    config.ema_decay = 0.0  # moving average of the weights, exported in their place; 0: none
    config.spike = 0.0  # skip updates whose gradient norm is so many times the average; 0: never
    config.most_skipped = 10  # end the run when more updates were skipped, for spikes or NaN

    config.validate_every = 0  # updates between validations on the validation split; 0: none
    # Contexts of a validation whose greedy plans are executed and scored; 0: only the NLL of plans.
    config.validate_cases = 0
    # Stop after so many validations without a better reward, or NLL without validate_cases, and
    # write the best planner; 0: never.
    config.patience = 0

    config.lora = ConfigDict()
    config.lora.rank = 0  # rank of the adapters; 0: train the parameters themselves
    config.lora.alpha = 32.0  # adapters are scaled by alpha / rank
    config.lora.dropout = 0.0  # dropout of the adapters' inputs
    config.lora.vision = False  # adapters in the vision tower too

    config.compute = ConfigDict()
    config.compute.dtype = "float32"  # or "bfloat16": of activations and frozen weights

    # The fields below may change when a run is resumed.
    config.compute.remat = "none"  # recompute activations: "dots": all but projections, "full": all
    config.compute.unroll = False  # compile the layers one by one: slower to compile, less copying
    config.compute.attention = "auto"  # implementation; "auto": the fastest on these devices
    config.mesh = ConfigDict()
    config.mesh.data = -1  # devices that hold copies of the weights; -1: all that are left
    config.mesh.fsdp = 1  # devices over which weights and rows are sharded
    config.mesh.context = 1  # devices over which the tokens of a row are sharded
    config.mesh.tensor = 1  # devices over which heads and widths are sharded
    config.sharding = ConfigDict()
    # (("regex of a parameter's path", ("fsdp", "tensor")), ...), tried before the rules of
    # planner/checkpoints/partition.py
    config.sharding.rules = ()
    config.sharding.replicate_below = 0  # parameters with fewer elements are not sharded
    config.checkpoint_every = 100  # steps between checkpoints
    config.keep_last = 2  # the latest checkpoints to keep
    config.keep_best = 0  # more checkpoints to keep, the best in validation
    config.log_every = 1  # steps between logged metrics
    config.profile = ()  # (first, last): steps to trace into WORKDIR/profile
    config.wandb_project = ""  # also log to this Weights & Biases project; needs the extra wandb
    return config
