r"""Evaluation of planners on held-out cases.

    agentic-styling evaluate --config.cases=DATA --workdir=runs/evaluation \
        --config.methods='{"edit_only": None, "mine": "runs/dpo/planner"}'
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.cases = ""  # directory of a data set; the contexts of its test split are the cases
    # {"NAME": "PLANNER"}, or a list of the planners of several training runs of a method; None for
    # edit_only, teacher_best and others that need no planner; "endpoint:MODEL" for a chat model.
    config.methods = ConfigDict({"edit_only": None, "teacher_best": None})
    config.temperature = 0.0  # sampling temperature of the planners; 0: greedy
    config.max_new_tokens = 320  # longest plan, in tokens
    # Hold plans to their grammar; False measures how often a planner writes valid plans unaided.
    config.constrained = True
    # Plans also sampled per case at temperature 1, up to 64: mean and best reward, regret, entropy
    # and KL to S. An evaluation takes about this many times as long; 0: none.
    config.samples = 0
    # Methods whose planners are also shown another case's picture and given the true context, to
    # measure what looking is worth: three times the plans. "all", or some of `methods`.
    config.perception = ("all",)
    config.seed = 0  # seed of sampling, execution, shuffling and bootstrap
    config.bootstrap_samples = 2000  # bootstrap samples of a confidence interval
    config.film_strips = 12  # cases shown in the report, spread evenly over all
    # Directory of a Qwen3-VL, or endpoint:MODEL, that judges edits and plans of the cases shown.
    config.judge = ""
    config.prices = ()  # (IN, OUT) of a million of an endpoint's tokens, for the printed estimate
    config.yes = False  # send questions to an endpoint after the estimate
    config.curves = ConfigDict()  # {"NAME": "metrics.jsonl of its training"}
    # Directory of a data set; the rewards of its train split are shown as a histogram.
    config.training_data = None
    return config
