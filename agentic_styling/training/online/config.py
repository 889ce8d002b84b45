"""Checks of the fields that only online training has."""

from agentic_styling.data.goals.sets import SETS
from agentic_styling.losses import LOSSES
from agentic_styling.utils.errors import InputError, nearest

# What a round can give a loss; statistics of a whole data set, and pairs, it cannot.
GIVEN = {"rewards", "contexts", "tokens", "old", "reference", "reference_tokens", "sequence_ratio"}
COUNTS = ("contexts", "plans", "updates", "refresh_every", "max_new_tokens")


def check_online(config) -> None:
    """Raises InputError naming the first field of a config of configs/online.py that is bad."""
    needs = LOSSES[config.loss].requires(dict(config.loss_kwargs))
    if not {"rewards", "contexts"} <= needs or needs - GIVEN:
        known = [name for name, loss in LOSSES.items() if "old" in loss.needs]
        raise InputError(
            f"config.loss: {config.loss!r} does not learn from rewards of a round's samples alone; "
            f"use rloo or {', '.join(known)}"
        )
    online = config.online
    for name in COUNTS:
        if not online[name] > 0:
            raise InputError(f"config.online.{name}: {online[name]} is too small; use 1 or more")
    if online.plans < 2:
        raise InputError(
            "config.online.plans: 1, but advantages compare the plans of a context; use 2 or more"
        )
    if online.reference_every < 0:
        raise InputError(
            f"config.online.reference_every: {online.reference_every} is negative; use 0 for never"
        )
    for name in ("steps", "checkpoint_every", "validate_every"):
        if config[name] % online.updates:
            raise InputError(
                f"config.{name}: {config[name]} updates are not whole rounds of {online.updates}; "
                "use a multiple"
            )
    stored = round(online.offline_share * online.contexts)
    if online.offline_share and not (0 < stored < online.contexts and config.data):
        raise InputError(
            f"config.online.offline_share: {online.offline_share} of {online.contexts} contexts is "
            f"{stored}; use 0, or a share of config.data that leaves some to sample for"
        )
    for name in config.stream.goals if config.stream.photos else ():
        if name not in SETS:
            raise InputError(
                f"config.stream.goals.{name}: not a set, whose goals all ask for an edit; "
                f"{nearest(name, SETS)}"
            )
    for name, without in {"packing": False, "reference": "stored", "profile": ()}.items():
        if config[name] != without:
            raise InputError(
                f"config.{name}: {config[name]!r} with online training; use {without!r}"
            )
