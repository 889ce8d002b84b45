from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from agentic_styling.data import (
    Photo,
    generate,
    load_photos,
    pipeline,
    read_trajectories,
    split_photos,
    summary,
    themes,
)
from agentic_styling.data.generate import SKILLS, SPLIT_SEED
from agentic_styling.data.photos.states import state_plan
from agentic_styling.tools import MODIFIERS, Plan, encode_plans, execute
from agentic_styling.utils.errors import InputError
from tests.data.stand_in import light_execute, scores_stand_in, stand_in_reward

SIZE = 16


def stand_in(source, result, request):
    """As the shared one; NaN where the whole request is one step."""
    scores = scores_stand_in(source, result, request)
    one = (request.tool >= 0).sum(1) == 1
    return SimpleNamespace(**{k: jnp.where(one, jnp.nan, v) for k, v in vars(scores).items()})


@pytest.fixture(
    scope="module",
    params=[light_execute, pytest.param(execute, marks=pytest.mark.slow)],
    ids=["light", "real"],
    autouse=True,
)
def executor(request):
    """What executes plans; the real one compiles most kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "execute", request.param)
        yield request.param


@pytest.fixture(scope="module")
def photos():
    return load_photos()


@pytest.fixture(scope="module")
def run(photos, executor):
    def run(directory, photos=photos, **changes):
        arguments = {"seed": 5, "split": "train", "contexts": 20, "plans_per_context": 2}
        with stand_in_reward(stand_in):
            return generate(directory, photos, **arguments | changes, size=SIZE)

    return run


@pytest.fixture(scope="module")
def train(run, tmp_path_factory):
    directory = tmp_path_factory.mktemp("generate") / "train"
    return directory, run(directory)


@pytest.fixture(scope="module")
def test(run, tmp_path_factory):
    return run(tmp_path_factory.mktemp("generate") / "test", split="test")


def files(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_same_arguments_same_bytes(train, run, tmp_path):
    run(tmp_path / "again")
    assert files(train[0]) == files(tmp_path / "again")
    run(tmp_path / "other", seed=6)
    assert files(train[0]) != files(tmp_path / "other")


def test_what_is_returned_is_what_is_written(train):
    directory, trajectories = train
    back = read_trajectories(directory)
    assert [t.id for t in back] == [t.id for t in trajectories]
    assert all(
        a.plan == b.plan and a.reward == b.reward for a, b in zip(back, trajectories, strict=True)
    )
    assert all(np.array_equal(a.image, b.image) for a, b in zip(back, trajectories, strict=True))


def test_a_finished_directory_is_read_and_another_refused(train, run, photos):
    directory, trajectories = train
    before = files(directory)
    assert [t.id for t in run(directory)] == [t.id for t in trajectories]
    with pytest.raises(InputError, match="seed=5, asked for 9"):
        run(directory, seed=9)
    other = [Photo(p.name, 255 - p.pixels) for p in photos]
    with pytest.raises(InputError, match="photos="):
        run(directory, photos=other)
    assert files(directory) == before


def test_context_is_the_state_and_plans_share_their_context(train):
    groups = {}
    for t in train[1]:
        assert t.split == "train" and t.image.shape == (SIZE, SIZE, 3)
        assert {k: v for k, v in t.plan.context.items() if v != "unknown"} == t.state
        assert t.provenance["skill"] in SKILLS and t.provenance["seed"] == 5
        groups.setdefault(t.context_id, []).append(t)
    for group in groups.values():
        assert len(group) == 2
        assert len({(t.goal, t.photo, t.image.tobytes()) for t in group}) == 1
    assert len({t.id for t in train[1]}) == len(train[1])


def test_plans_whose_scores_are_not_finite_are_left_out(train):
    assert 0 < len(train[1]) < 40
    assert all(len(t.request) > 1 and np.isfinite(t.reward) for t in train[1])


def test_the_picture_is_the_crop_in_its_state(train, photos, executor):
    pixels = {p.name: p.pixels for p in photos}
    calm = next(t for t in train[1] if not {"weather", "atmospheric_effects"} & t.state.keys())
    crop = calm.provenance["crop"]
    square = pixels[calm.photo][crop["top"] :, crop["left"] :][: crop["side"], : crop["side"]]
    square = square[:, ::-1] if crop["mirror"] else square
    small = np.asarray(Image.fromarray(square).resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    rows = np.repeat(np.float32(small)[None] / 255, 32, 0)
    made = executor(rows, encode_plans([state_plan(calm.state)] * 32, 5), jax.random.key(0))
    assert np.abs(np.asarray(made[0]) * 255 - calm.image).mean() < 3


def test_rewards_are_those_of_the_stored_picture(train, executor):
    """Scored again from disk: the stored bytes are what was scored."""
    chosen = [t for t in train[1] if all(s.tool in STILL for s in t.plan.steps)]
    assert chosen
    rows = (chosen * 32)[:32]
    source = np.stack([np.float32(t.image) / 255 for t in rows])
    plans = encode_plans([t.plan for t in rows], 5)
    requests = encode_plans([Plan(t.state, t.request) for t in rows], 5)
    scores = stand_in(source, executor(source, plans, jax.random.key(0)), requests)
    for t, reward in zip(chosen, np.asarray(scores.reward), strict=False):
        assert abs(t.reward - reward) < 2e-3


STILL = {"time_of_day", "color_grading", "mood_lighting", "season", *MODIFIERS}  # no particles


def test_splits_share_neither_photographs_nor_goals(train, test, photos):
    kept = {p.name for p in split_photos(photos, SPLIT_SEED)[1]}
    assert {t.photo for t in test} <= kept and not {t.photo for t in train[1]} & kept
    assert not {t.goal for t in test} & {t.goal for t in train[1]}
    phrasings = {text for theme in themes() for text, _ in theme.phrasings["test"]}
    assert all(t.goal.startswith(tuple(phrasings)) for t in test if t.theme)


def test_test_plans_are_the_best_and_one_a_context(test):
    assert len({t.context_id for t in test}) == len(test)
    for t in test:
        assert t.provenance["skill"] == 1.0
        assert [(s.tool, s.parameters) for s in t.plan.steps] == [
            (s.tool, s.parameters) for s in t.request
        ]


@pytest.mark.parametrize("changes", [{"split": "validation"}, {"contexts": 0}])
def test_bad_arguments_are_refused(run, tmp_path, changes):
    with pytest.raises(InputError, match="use split train or test"):
        run(tmp_path / "x", **changes)
    assert not (tmp_path / "x").exists()


def test_summary_counts(train):
    rows = [SimpleNamespace(**vars(t)) for t in train[1][:4]]
    for row, reward in zip(rows, [1.0, 4.0, 4.2, 5.0], strict=True):
        row.reward = reward
    text = summary(rows, rejects=3)
    assert "4 trajectories of" in text and "3 rejected" in text
    assert "mean 3.55" in text and "75% at 4 or more, 25% below 3" in text
    assert "4.0-4.5      2" in text and "4.5-5.0      1" in text
