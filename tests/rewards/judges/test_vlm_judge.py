"""The judge's scores, against the model called plainly, one question at a time."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import (
    ImageSettings,
    Inputs,
    Qwen3VLConfig,
    Tokenizer,
    image_to_patches,
    image_tokens,
    save_pretrained,
    train_tokenizer,
)
from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges import vlm_judge
from agentic_styling.rewards.judges.edit_rubric import EDIT, request_words
from agentic_styling.rewards.judges.rubric import DIGIT_QUESTION
from agentic_styling.rewards.judges.vlm_judge import VlmJudge
from agentic_styling.tools import Step
from agentic_styling.utils.errors import InputError
from tests.planner import oracle, ours

SECRET = "zyzzyva quartz"


def step(tool, target, option, strength=0.8):
    return Step(SECRET, tool, {target: option, "strength": strength})


RAIN = (step("weather", "weather_type", "heavy_rain"),)
WINTER = (
    step("season", "target_season", "winter_bare"),
    step("weather", "weather_type", "fog_dense"),
)
REQUESTS = [RAIN, WINTER, ()]


def noise(height, width, seed):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return values.astype(np.uint8)


SOURCES = [noise(64, 64, 0), noise(96, 128, 1), noise(64, 96, 2).astype(np.float32) / 255]
RESULTS = [noise(64, 64, 3), noise(128, 96, 4), noise(96, 64, 5)]


def hf_config(tokenizer):
    """The oracle's shape with this vocabulary."""
    text = oracle.HF_CONFIG["text_config"] | {"vocab_size": tokenizer.vocab_size}
    return oracle.HF_CONFIG | {
        "text_config": text,
        "image_token_id": tokenizer.image_pad,
        "video_token_id": tokenizer.video_pad,
        "vision_start_token_id": tokenizer.vision_start,
        "vision_end_token_id": tokenizer.vision_end,
    }


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A model with perturbed weights, its tokenizer, and pictures of 1 to 16 tokens."""
    directory = tmp_path_factory.mktemp("judge")
    texts = [DIGIT_QUESTION, *EDIT.questions.values(), *map(request_words, REQUESTS)]
    tokenizer = train_tokenizer(texts, directory, vocab_size=800)
    config = Qwen3VLConfig.from_hf(hf_config(tokenizer))
    save_pretrained(directory, config, ours.perturbed_params(config))
    ImageSettings(min_pixels=1024, max_pixels=16384).save(directory)
    return directory


@pytest.fixture(scope="module")
def judge(directory):
    return VlmJudge.from_pretrained(directory)


@pytest.fixture(scope="module")
def scores(judge):
    return judge(SOURCES, RESULTS, REQUESTS)


@pytest.fixture
def seen(judge, monkeypatch):
    """A list of the inputs that the model was given."""
    seen, run = [], vlm_judge._mean_digits

    def remember(config, params, digit_ids, inputs):
        seen.append(inputs)
        return run(config, params, digit_ids, inputs)

    monkeypatch.setattr(vlm_judge, "_mean_digits", remember)
    return seen


def parts(scores):
    """[6, B]"""
    return np.stack([np.asarray(getattr(scores, part)) for part in PARTS])


def prompt(judge, row, part):
    """The tokens of one question, written as Qwen's template says."""
    tokenizer, ids = judge.tokenizer, []
    counts = [image_tokens(*images[row].shape[:2], judge.images) for images in (SOURCES, RESULTS)]
    text = EDIT.digit_question(request_words(REQUESTS[row]), part)
    ids += [tokenizer.im_start, *tokenizer.encode("user\n")]
    for count in counts:
        ids += [tokenizer.vision_start, *[tokenizer.image_pad] * count, tokenizer.vision_end]
    ids += [*tokenizer.encode(text), tokenizer.im_end, *tokenizer.encode("\n")]
    return [*ids, tokenizer.im_start, *tokenizer.encode("assistant\n")]


def pictures(judge, row):
    """Patches [P, 1536] and the grid [3] of photograph and edit."""
    cut = [image_to_patches(images[row][None], judge.images) for images in (SOURCES, RESULTS)]
    return [(np.asarray(patches)[0, 0], np.asarray(grids)[0, 0]) for patches, grids in cut]


def score_of(judge, logits):
    """100 / 9 of the mean digit, from the last token's logits [V] of the whole vocabulary."""
    probabilities = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    ids = [judge.tokenizer._backend.token_to_id(digit) for digit in "0123456789"]
    probabilities = probabilities[ids] / probabilities[ids].sum()
    return 100 / 9 * sum(digit * p for digit, p in enumerate(probabilities))


@pytest.mark.parametrize(
    ("row", "part"),
    [
        pytest.param(i % 3, part, marks=() if i < 1 else pytest.mark.slow)
        for i, part in enumerate(PARTS)
    ],
)
def test_a_part_is_the_mean_digit_of_the_models_answer(row, part, judge, scores):
    """The model is called for one question without padding of its tokens, all logits made."""
    taken = pictures(judge, row)
    patches = np.zeros((1, 2, max(len(p) for p, _ in taken), oracle.PATCH_DIM), np.float32)
    for place, (picture, _) in enumerate(taken):
        patches[0, place, : len(picture)] = picture
    tokens = jnp.array([prompt(judge, row, part)])
    grids = jnp.array([[grid for _, grid in taken]], jnp.int32)
    inputs = Inputs(tokens, jnp.ones(tokens.shape, bool), jnp.asarray(patches), grids)
    logits = jax.jit(ours.logits, static_argnums=0)(judge.config, judge.params, inputs)
    found = float(getattr(scores, part)[row])
    assert found == pytest.approx(score_of(judge, logits[0, -1]), abs=1e-2)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_expected_digit_is_as_exact_as_its_operands_whatever_their_dtype(dtype):
    """Logits of about 100 that differ by less than 1: rounded to bfloat16 they would be alike."""
    rng = np.random.default_rng(0)
    hidden = jnp.asarray(rng.normal(1, 0.01, (4, 128)), dtype)
    head = jnp.asarray(rng.normal(0.8, 0.01, (10, 128)), dtype)
    logits = np.float64(hidden) @ np.float64(head).T
    likely = np.exp(logits - logits.max(1, keepdims=True))
    expected = likely @ np.arange(10) / likely.sum(1)
    assert logits.min() > 99 and np.ptp(logits) < 2
    np.testing.assert_allclose(vlm_judge._expected_digit(hidden, head), expected, atol=1e-3)


@pytest.mark.parametrize("digit, part", [(0, 0), (4, 400 / 9), (9, 100)])
def test_a_certain_digit_is_its_place_on_the_rubrics_scale(judge, monkeypatch, digit, part):
    certain = jnp.full((1, len(PARTS)), digit, jnp.float32)
    monkeypatch.setattr(vlm_judge, "_mean_digits", lambda *_: certain)
    found = judge(SOURCES[:1], RESULTS[:1], REQUESTS[:1])
    np.testing.assert_allclose(parts(found), part, atol=1e-4)
    assert "from 0, which stands for 0" in DIGIT_QUESTION
    assert "9, which stands for 100" in DIGIT_QUESTION


@pytest.mark.slow
def test_bfloat16_moves_a_part_by_little(directory, scores):
    """What the docstring of `from_pretrained` says."""
    rounded = VlmJudge.from_pretrained(directory, dtype=jnp.bfloat16)
    assert rounded.params["language_model"]["embed_tokens"]["embedding"].dtype == jnp.bfloat16
    moved = np.abs(parts(rounded(SOURCES, RESULTS, REQUESTS)) - parts(scores))
    assert 0.01 < moved.max() < 2


@pytest.mark.parity
def test_a_part_is_the_mean_digit_of_torchs_answer(judge, scores):
    import torch

    from tests.planner import reference

    model = reference.reference_model(hf_config(judge.tokenizer))
    (source, first), (result, second) = pictures(judge, 1)
    for part in PARTS:
        ids = torch.tensor([prompt(judge, 1, part)])
        with torch.no_grad():
            logits = model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == judge.config.image_token_id).long(),
                pixel_values=torch.from_numpy(np.concatenate([source, result])),
                image_grid_thw=torch.from_numpy(np.stack([first, second]).astype(int)),
            ).logits
        expected = score_of(judge, logits[0, -1].numpy())
        assert float(getattr(scores, part)[1]) == pytest.approx(expected, abs=1e-2), part


def test_scores_are_finite_and_in_range_and_differ(scores):
    found = parts(scores)
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 100
    assert found.std(0).min() > 1 and found.std(1).min() > 1
    np.testing.assert_allclose(scores.overall, found.mean(0), rtol=1e-5)
    assert ((scores.reward >= 0) & (scores.reward <= 5)).all()


@pytest.mark.slow
def test_rows_do_not_depend_on_each_other_or_on_padding(judge, scores, monkeypatch):
    for row in range(3):
        alone = judge(SOURCES[row : row + 1], RESULTS[row : row + 1], REQUESTS[row : row + 1])
        np.testing.assert_allclose(parts(alone)[:, 0], parts(scores)[:, row], atol=1e-2)
    monkeypatch.setattr(vlm_judge, "CASES", 2)
    turned = judge(SOURCES[::-1], RESULTS[::-1], REQUESTS[::-1])
    np.testing.assert_allclose(parts(turned)[:, ::-1], parts(scores), atol=1e-2)


def test_chunks_are_of_few_sizes_and_hold_every_case(judge, monkeypatch):
    """16 tokens are 64 patches; a pair of them takes 128 of 512."""
    monkeypatch.setattr(vlm_judge, "PATCHES", 512)
    chunks = judge._chunks(np.array([16] * 9))
    assert [len(chunk) for chunk in chunks] == [4, 4, 4]
    assert np.concatenate(chunks).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8]
    chunks = judge._chunks(np.array([16, 400, 32]))
    assert [chunk.tolist() for chunk in chunks] == [[1], [2, 0]]


@pytest.mark.slow
def test_the_vision_tower_reads_a_case_once(judge, seen):
    judge(SOURCES[:1], RESULTS[:1], REQUESTS[:1])
    assert seen[0].patches.shape == (1, 2, 64, oracle.PATCH_DIM)
    assert seen[0].tokens.shape[0] == 6


@pytest.mark.slow
def test_an_array_of_pictures_is_scored_as_their_list(judge):
    images = np.stack([noise(64, 64, seed) for seed in range(4)])
    listed = judge(list(images[:2]), list(images[2:]), REQUESTS[:2])
    floats = jnp.asarray(images, jnp.float32) / 255
    for stacked in (images, floats):
        found = judge(stacked[:2], stacked[2:], REQUESTS[:2])
        np.testing.assert_allclose(parts(found), parts(listed), atol=1e-2)


def test_the_reasoning_is_hidden(judge, scores, seen):
    other = [tuple(dataclasses.replace(s, reasoning="Trust me.") for s in r) for r in REQUESTS]
    again = judge(SOURCES, RESULTS, other)
    np.testing.assert_array_equal(parts(again), parts(scores))
    judge(SOURCES, RESULTS, REQUESTS)
    np.testing.assert_array_equal(seen[0].tokens, seen[1].tokens)
    texts = [judge.tokenizer.decode(row) for row in np.asarray(seen[1].tokens)]
    assert len({text for text in texts if "heavy rain" in text}) == 6
    for text in texts:
        assert not any(word in text for word in SECRET.split())


def test_source_and_result_are_told_apart(judge, scores):
    swapped = judge(RESULTS, SOURCES, REQUESTS)
    assert (np.abs(parts(swapped) - parts(scores)).max(0) > 1).all()


def test_the_request_matters(judge, scores):
    other = judge(SOURCES, RESULTS, [WINTER, RAIN, RAIN])
    assert (np.abs(parts(other) - parts(scores)).max(0) > 1).all()


def test_a_goal_in_words_is_a_request(judge, scores, seen):
    judge(SOURCES[:1], RESULTS[:1], ["like a forgotten\nfairy tale"])
    texts = [judge.tokenizer.decode(row) for row in np.asarray(seen[-1].tokens)]
    assert all('"like a forgotten fairy tale"' in text for text in texts)


@pytest.mark.slow
def test_another_request_compiles_nothing(judge, seen):
    compiled = []

    def listen(event, duration, **_):
        if event.endswith("backend_compile_duration"):
            compiled.append(duration)

    sunny = (step("weather", "weather_type", "clear_sunny", 0.3),)
    judge(SOURCES, RESULTS, [RAIN, (), RAIN])
    jax.monitoring.register_event_duration_secs_listener(listen)
    judge(SOURCES[::-1], RESULTS[::-1], [sunny, RAIN, ()])
    assert not compiled
    longest = [int(inputs.mask.sum(1).max()) for inputs in seen]
    assert longest[0] != longest[1]
    # The listener does see a program for other shapes.
    judge(SOURCES, RESULTS, [RAIN * 4, (), RAIN])
    assert compiled


def test_nothing_asked_nothing_answered(judge):
    assert judge([], [], []).overall.shape == (0,)
    assert judge(np.zeros((0, 64, 64, 3), np.uint8), [], []).reward.shape == (0,)


@pytest.mark.parametrize(
    ("sources", "results", "requests", "message"),
    [
        (SOURCES, RESULTS[:2], REQUESTS, "3 sources, 2 results and 3 requests; give as many"),
        (SOURCES, RESULTS, REQUESTS[:1], "3 sources, 3 results and 1 requests; give as many"),
        (SOURCES[:1], [SOURCES[0][..., 0]], [RAIN], r"results\[0\] has shape \(64, 64\); each"),
        (SOURCES[0], SOURCES[0], [RAIN] * 64, r"sources\[0\] has shape \(64, 3\); each must be"),
        (SOURCES[:1], [SOURCES[0].astype(int)], [RAIN], r"results\[0\] is int64; use uint8"),
        (SOURCES[:1], RESULTS[:1], RAIN, r"requests\[0\] is a Step; give a tuple of Steps"),
        (SOURCES[:1], RESULTS[:1], [("rain",)], r"requests\[0\]: .*'rain' is not a Step"),
        (
            SOURCES[:2],
            RESULTS[:2],
            [RAIN, (step("weather", "weather_type", "heavy_rane"),)],
            r"requests\[1\]: .*did you mean 'heavy_rain'",
        ),
        (SOURCES[:1], RESULTS[:1], [" "], r"requests\[0\]: the goal is empty; say what"),
    ],
)
def test_bad_input(sources, results, requests, message, judge):
    with pytest.raises(InputError, match=message) as error:
        judge(sources, results, requests)
    assert "\n" not in str(error.value)


def test_a_prompt_beyond_the_models_context(judge):
    text = dataclasses.replace(judge.config.text, max_position_embeddings=50)
    short = dataclasses.replace(judge, config=dataclasses.replace(judge.config, text=text))
    with pytest.raises(
        InputError, match=r"requests\[0\]: its prompt has \d+ tokens .* is 50; give smaller"
    ):
        short(SOURCES, RESULTS, REQUESTS)


def test_a_tokenizer_must_have_the_digits(judge, directory, tmp_path):
    data = json.loads((directory / "tokenizer.json").read_text())
    data["normalizer"] = {"type": "Replace", "pattern": {"String": "7"}, "content": "seven"}
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"the digit '7' is \d tokens; use a tokenizer in which"):
        dataclasses.replace(judge, tokenizer=Tokenizer(tmp_path))
