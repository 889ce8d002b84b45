"""Bad configs, one line each; the keyword arguments of the losses."""

import numpy as np
import pytest

from agentic_styling.losses import LOSSES
from agentic_styling.training.config import (
    check_batch,
    check_loss_kwargs,
    checked,
    fingerprint,
    input_digests,
    loss_keywords,
)
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.state import make_schedule
from agentic_styling.utils.errors import InputError
from configs.train import get_config
from tests.training.batches.test_batches import make_set


def config(method="standard", **fields):
    made = get_config(method)
    made.update(data="d", init_from="p", **fields)
    return made


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"loss": "dpoo"}, "config.loss: 'dpoo' is unknown; did you mean 'dpo'?"),
        (
            {"reduction": "token_mean"},
            "config.reduction: 'token_mean' is unknown; did you mean 'to",
        ),
        (
            {"reduction": "token-mean"},
            "config.reduction: 'token-mean' divides by the length of a completion, but 'dpo' comp",
        ),
        ({"data": ""}, "config.data: not set"),
        ({"batch_size": 0}, "config.batch_size: 0 is not positive"),
        ({"patience": -1}, "config.patience: -1 is negative; use 0 for none"),
        (
            {"keep_best": 2},
            "config.keep_best: 2, but there is no validation to decide by; ",
        ),
        ({"learning_rate": float("inf")}, "config.learning_rate: inf is not a finite number; give"),
        ({"weight_decay": float("nan")}, "config.weight_decay: nan is not a finite number"),
        ({"lora": {"alpha": float("inf")}}, "config.lora.alpha: inf is not a finite number"),
        ({"loss_kwargs": {"beta": float("nan")}}, "config.loss_kwargs.beta: nan is not a finite"),
        ({"loss_kwargs": {"beta": 0.0}}, "config.loss_kwargs.beta: 0.0 is not positive; make it "),
        ({"optimizer": "moun"}, "config.optimizer: 'moun' is unknown; did you mean 'muon'?"),
        (
            {"optimizer": "muon", "lora": {"rank": 4}},
            "config.optimizer: 'muon' is not for adapters; use 'adamw', or config.lora.rank=0",
        ),
        ({"schedule": "cosin"}, "config.schedule: 'cosin' is unknown; did you mean 'cosine'?"),
        ({"modality": "vison"}, "config.modality: 'vison' is unknown; did you mean 'vision'?"),
        ({"compute": {"dtype": "float16"}}, "config.compute.dtype: 'float16' is unknown; did"),
        ({"compute": {"remat": "some"}}, "remat 'some' is unknown; did you mean 'none'?"),
        ({"reference": "adapter_off"}, "config.reference: 'adapter_off' needs adapters; set"),
        ({"ema_decay": 1.0}, "config.ema_decay: 1.0 is not in [0, 1)"),
        ({"profile": (3,)}, "config.profile: (3,) is not (first, last)"),
        ({"profile": (0, 5)}, "config.profile: (0, 5) is not (first, last) from 1 on; try"),
        (
            {"sharding": {"rules": (("o_proj", ("fsdpp",)),)}},
            "config.sharding.rules: ('o_proj', ('fsdpp',)) is not (pattern, axes), with axes from",
        ),
        ({"loss_kwargs": {"bata": 1.0}}, "config.loss_kwargs.bata: no option of 'dpo'; did you"),
    ],
)
def test_bad_fields(fields, message):
    made = config("dpo")
    made.loss_kwargs.update(fields.pop("loss_kwargs", {}))
    made.update(fields)
    with pytest.raises(InputError) as caught:
        checked(made)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("loss", "value"), [("robust", 0.5), ("cdpo", -0.1), ("exo_pair", 0.0)])
def test_a_share_of_wrong_labels_is_in_its_range(loss, value):
    check_loss_kwargs(loss, {"label_smoothing": 0.1})
    check_loss_kwargs("cdpo", {"label_smoothing": 0.0})
    with pytest.raises(InputError, match="config.loss_kwargs.label_smoothing: .* is not in"):
        check_loss_kwargs(loss, {"label_smoothing": value})


@pytest.mark.parametrize("name", ["grpo", "dr_grpo", "gspo", "DAPO"])
def test_a_data_set_has_no_fresh_samples(name):
    with pytest.raises(InputError) as caught:
        checked(config(name))
    loss = "grpo" if name == "DAPO" else name
    assert str(caught.value) == (
        f"config.loss: {loss!r} needs fresh samples of the policy, which a data set lacks; "
        "use --config=online:LOSS, or an offline loss, such as 'swift'"
    )
    assert checked(config("RLOO")).loss == "rloo"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"kl_estimator": "k4"}, "config.loss_kwargs.kl_estimator: 'k4' is unknown; did you mean"),
        ({"clip_high": 0.0}, "config.loss_kwargs.clip_high: 0.0 is not positive; make it larger, "),
        ({"clip_low": -0.2}, "config.loss_kwargs.clip_low: -0.2 is not positive; make it larger, "),
        ({"clip": 0.2}, "config.loss_kwargs.clip: no option of 'grpo'; did you mean 'clip_"),
    ],
)
def test_bad_options_of_online_losses(kwargs, message):
    check_loss_kwargs("grpo", LOSSES["grpo"].options)
    with pytest.raises(InputError) as caught:
        check_loss_kwargs("grpo", LOSSES["grpo"].options | kwargs)
    assert str(caught.value).startswith(message)


def test_a_batch_has_to_divide_over_micro_batches_devices_and_pairs():
    mesh = make_mesh({"data": 2, "fsdp": 1, "tensor": 1})
    check_batch(config(batch_size=12, microbatches=3), mesh)
    check_batch(config("dpo", batch_size=12, microbatches=3), mesh)
    for bad in (config(batch_size=9), config(batch_size=12, microbatches=4)):
        with pytest.raises(InputError, match="config.batch_size: .*use a multiple of"):
            check_batch(bad, mesh)
    one = make_mesh({"data": 1, "fsdp": 1, "tensor": 1})
    with pytest.raises(InputError, match="use a multiple of 2"):
        check_batch(config("dpo", batch_size=5), one)


def test_packed_rows_need_no_devices_but_a_loss_of_every_token_cannot_be_packed():
    mesh = make_mesh({"data": 8})
    check_batch(config(batch_size=9, packing=True), mesh)
    with pytest.raises(InputError, match="'released_code' counts the padding of a row too"):
        checked(config("released_code", packing=True))


def test_what_may_change_when_a_run_goes_on():
    one, other = config(), config(microbatches=4, log_every=7, keep_best=3)
    other.mesh.fsdp, other.compute.remat = 8, "full"
    assert fingerprint(one, {}) == fingerprint(other, {})
    assert fingerprint(one, {"data": "1"}) != fingerprint(one, {"data": "2"})
    for field, value in (
        ("seed", 1),
        ("batch_size", 8),
        ("packing", True),
        ("ema_decay", 0.9),
        ("optimizer", "muon"),
        ("validate_every", 5),
        ("compute", {"dtype": "bfloat16"}),
    ):
        assert fingerprint(config(**{field: value}), {}) != fingerprint(one, {}), field


def test_digests_are_of_what_is_read_and_of_nothing_else(tmp_path):
    data, planner = tmp_path / "data", tmp_path / "planner"
    data.mkdir(), planner.mkdir()
    made = config()
    made.update(data=str(data), init_from=str(planner))
    assert input_digests(made) == {}
    (data / "set-train.array_record-00000-of-00001").write_bytes(b"rows")
    (data / "set-validation.array_record-00000-of-00001").write_bytes(b"others")
    (planner / "model.safetensors").write_bytes(b"weights")
    before = input_digests(made)
    assert before.keys() == {"data", "init_from"}
    (data / "README.md").write_text("a card")
    (data / "set-validation.array_record-00000-of-00001").write_bytes(b"other")
    assert input_digests(made) == before
    validated = config(validate_every=5)
    validated.update(data=str(data), init_from=str(planner))
    assert input_digests(validated)["data"] != before["data"]
    (planner / "model.safetensors").write_bytes(b"weightz")  # as long as before
    after = input_digests(made)
    assert after["init_from"] != before["init_from"] and after["data"] == before["data"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", [0.5, 1.0, 0.853553, 0.5, 0.146447]),
        ("linear", [0.5, 1.0, 0.75, 0.5, 0.25]),
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_schedules_by_hand(schedule, expected):
    made = make_schedule(config(steps=5, warmup_steps=1, learning_rate=1.0, schedule=schedule))
    np.testing.assert_allclose([made(step) for step in range(5)], expected, rtol=1e-5)


def test_keywords_are_the_configs_and_the_statistics():
    training_set = make_set([5.0, 3.0, 4.0, 2.0], [0, 0, 1, 1])
    assert loss_keywords(config("dpo"), training_set) == {"beta": 0.1, "length_normalized": False}
    made = config("reward_filtered")
    made.loss_kwargs.threshold = 4.5
    assert loss_keywords(made, training_set)["threshold"] == 4.5
    made = config("standardized_reward_weighted")
    found = loss_keywords(made, training_set)
    assert (found["mean"], found["std"]) == (3.5, pytest.approx(np.sqrt(1.25)))
    assert "std" not in loss_keywords(config("awr"), training_set)
    made.loss_kwargs.per_context = True  # then they are columns of the batch
    assert not {"mean", "std"} & loss_keywords(made, training_set).keys()


def test_a_preset_is_a_loss_with_its_options_and_reduction():
    made = config("R")
    assert (made.loss, made.reduction) == ("reward_filtered", "seq-mean-token-sum")
    assert made.loss_kwargs.threshold == 4.0
    assert checked(made).loss == "reward_filtered"
    assert config("standard").reduction == "token-mean"
    assert checked(config("ipo")).reduction == "seq-mean-token-sum"


def test_a_loss_that_sorts_the_batch_has_no_micro_batches():
    mesh = make_mesh({"data": 1, "fsdp": 1, "tensor": 1})
    check_batch(config("aot", batch_size=8), mesh)
    with pytest.raises(InputError, match="config.microbatches: 2, but 'aot' sorts the rows"):
        check_batch(config("aot", batch_size=8, microbatches=2), mesh)
