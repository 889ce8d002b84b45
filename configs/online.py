r"""Online RL of a planner: it samples plans, they are executed and scored, and it learns from them.

    agentic-styling train --config=online:GRPO --config.data=DATA --config.init_from=PLANNER \
        --workdir=runs/grpo

The argument is a loss of agentic_styling.losses.LOSSES that takes rewards of single plans, or a
preset of PRESETS: GRPO, DR_GRPO, DAPO, GSPO or RLOO. An update takes config.online.contexts x
config.online.plans examples. config.stream.photos in place of config.data takes fresh contexts of
photographs. An interrupted run resumes from its last checkpoint when the same command is run again.
"""

from ml_collections import ConfigDict

from agentic_styling.utils.configs import load_config


def get_config(arg: str = "GRPO") -> ConfigDict:
    config = load_config(f"train:{arg}")
    config.stream.goals = ConfigDict({"simple": 1.0, "regular": 1.0, "complex": 1.0, "demo": 1.0})

    config.online = ConfigDict()
    config.online.contexts = 8  # pictures and goals that plans are sampled for at a time: a round
    config.online.plans = 8  # samples of a context, at temperature 1 under the plan grammar
    config.online.updates = 1  # updates on the samples of a round, of all of them each
    config.online.refresh_every = 1  # rounds that are sampled before the sampler's weights change
    # Share of a round's contexts whose plans and rewards are taken from config.data.
    config.online.offline_share = 0.0
    # Rounds after which the reference of a KL penalty becomes the policy; 0: it stays the start.
    config.online.reference_every = 0
    # Whether tokens that the plan grammar forces are left out of the loss, as they are no choices.
    # Of stored plans all tokens count.
    config.online.choices_only = True
    config.online.max_new_tokens = 320  # of a sampled plan

    config.steps = 100
    config.batch_size = config.online.contexts * config.online.plans  # always this product
    config.microbatches = 4
    config.length_buckets = 2
    config.learning_rate = 3e-4
    config.schedule = "constant"
    config.weight_decay = 0.0
    config.checkpoint_every = 20
    return config
