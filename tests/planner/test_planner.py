import dataclasses
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import (
    PLAN_FORMS,
    TINY_IMAGES,
    GenerateResult,
    ImageSettings,
    Planner,
    Qwen3VLConfig,
    Tokenizer,
    encode_prompts,
    image_to_patches,
    init_params,
    pad_rows,
    planner,
    save_pretrained,
)
from agentic_styling.planner.decoding.completions import texts_of
from agentic_styling.planner.decoding.generation import _generate
from agentic_styling.planner.decoding.plan_forms import force_contexts
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError


@pytest.fixture(scope="module")
def directory(tokenizer_directory):
    """A planner of one layer a tower: what is tested here is around the model."""
    tokenizer = Tokenizer(tokenizer_directory)
    config = Qwen3VLConfig.preset("tiny").for_tokenizer(tokenizer)
    text = dataclasses.replace(config.text, num_hidden_layers=1)
    vision = dataclasses.replace(config.vision, depth=1, deepstack_visual_indexes=(0,))
    config = dataclasses.replace(config, text=text, vision=vision)
    save_pretrained(tokenizer_directory, config, init_params(config, jax.random.key(0)))
    TINY_IMAGES.save(tokenizer_directory)
    return tokenizer_directory


@pytest.fixture(scope="module")
def loaded(directory):
    return Planner.from_pretrained(directory)


@pytest.fixture(scope="module")
def free(loaded):
    """The same planner with pictures of 1 to 64 tokens instead of 16 always."""
    return dataclasses.replace(loaded, images=ImageSettings(min_pixels=1024, max_pixels=65536))


def noise(height, width, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return values.astype(np.uint8)


@pytest.fixture(scope="module")
def photos():
    return np.stack([noise(128, 128, seed) for seed in range(3)])


GOALS = ["Make it a rainy evening.", "Autumn.", "A watercolor of winter."]


@pytest.mark.slow
def test_answers_do_not_depend_on_the_chunking(loaded, photos, monkeypatch):
    monkeypatch.setattr(planner, "ROWS", 4)
    options = {"num_samples": 2, "temperature": 1.0, "max_new_tokens": 5}
    answers = loaded.complete(photos, GOALS, seed=1, **options)
    assert [len(samples) for samples in answers] == [2, 2, 2]
    assert len({text for samples in answers for text in samples}) == 6
    assert loaded.complete(list(photos[:2]), GOALS[:2], seed=1, **options) == answers[:2]
    assert loaded.complete(photos[:2], GOALS[:2], seed=2, **options) != answers[:2]
    plans = loaded.plan(photos[:2], GOALS[:2], seed=1, constrained=False, **options)
    assert plans == [[None, None], [None, None]]


def test_answers_that_are_kept_are_not_sampled_again(loaded, photos, monkeypatch):
    monkeypatch.setattr(planner, "ROWS", 4)
    sampled, kept = planner.generate, {}

    def killed(*given, **options):
        if kept:
            raise KeyboardInterrupt
        return sampled(*given, **options)

    options = {"num_samples": 2, "temperature": 1.0, "max_new_tokens": 5, "seed": 1}
    monkeypatch.setattr(planner, "generate", killed)
    with pytest.raises(KeyboardInterrupt):
        loaded.complete(photos, GOALS, kept=kept, **options)
    first = dict(kept)
    assert len(first) == 2
    monkeypatch.setattr(planner, "generate", sampled)
    answers = loaded.complete(photos, GOALS, kept=kept, **options)
    assert answers == loaded.complete(photos, GOALS, **options) == [kept[row] for row in range(3)]
    assert first.items() <= kept.items()


def test_completions_score_alike_where_they_were_sampled_and_where_they_are_given(loaded, photos):
    options = {"max_new_tokens": 96, "constrained": True}
    sampling = {"num_samples": 2, "temperature": 1.0, "seed": 1}
    made = sum(loaded.score(photos[:2], GOALS[:2], **sampling, **options), [])
    texts = loaded.complete(photos[:2], GOALS[:2], **sampling, **options)
    assert [each.text for each in made] == sum(texts, [])
    every, goals = np.repeat(photos[:2], 2, 0), np.repeat(GOALS[:2], 2).tolist()
    tokens = [each.tokens for each in made]
    given = sum(loaded.score(every, goals, tokens=tokens, **options), [])
    unaided = sum(loaded.score(every, goals, tokens=tokens, max_new_tokens=96), [])
    for one, other, free in zip(made, given, unaided, strict=True):
        assert one[:2] == other[:2] == free[:2] and one.choices == other.choices
        np.testing.assert_allclose(one.logp, other.logp, rtol=1e-4)
        # Much of a plan's form is the only way to go on, which an untrained model does not know.
        assert 0 < one.choices < len(one.tokens) == free.choices
        assert free.logp < one.logp - 3 * (free.choices - one.choices) < 0


def test_what_would_be_refused_is_known_before_anything_is_sampled(loaded, photos):
    unread = dataclasses.replace(loaded, params=None)
    unread.check(photos, GOALS, max_new_tokens=200)
    unread.check(photos, GOALS, constrained=False, max_new_tokens=1)
    for tokens, message in ((8, "no plan is so short"), (10**6, "model's limit is")):
        with pytest.raises(InputError, match=message):
            unread.check(photos, GOALS, max_new_tokens=tokens)
    with pytest.raises(InputError, match="3 images and 2 goals"):
        unread.check(photos, GOALS[:2])


def test_photographs_of_any_sizes_keep_their_own_rows(free, monkeypatch):
    """Each row is what it would be alone, padded; the largest pictures run first."""
    sizes = [(64, 64), (160, 224), (96, 64), (160, 224), (256, 256), (64, 64)]
    photos = [noise(*size, seed) for seed, size in enumerate(sizes)]
    photos[3] = photos[3].astype(np.float32) / 255
    goals = [*GOALS, "Night.", "Fog.", "A longer goal, with a snowy morning in it."]
    called = []

    def generate(config, params, inputs, *, rows, num_samples, **_):
        called.append((inputs, rows))
        numbers = (rows[:, None] * num_samples + np.arange(num_samples)).ravel()
        ids = [free.tokenizer.encode(str(number)) for number in numbers]
        tokens = pad_rows(ids, 0)[0]
        lengths, zeros = np.array([len(row) for row in ids]), np.zeros(tokens.shape)
        return GenerateResult(tokens, lengths, zeros, zeros, zeros)

    monkeypatch.setattr(planner, "generate", generate)
    monkeypatch.setattr(planner, "PATCHES", 512)
    answers = free.complete(photos, goals, num_samples=2)
    assert answers == [[str(2 * row), str(2 * row + 1)] for row in range(6)]
    assert [inputs.patches.shape for inputs, _ in called] == [
        (2, 1, 256, 1536),
        (2, 1, 192, 1536),
        (8, 1, 64, 1536),
    ]
    rows = [[4, 1], [3, 2], [0, 5, 5, 5, 5, 5, 5, 5]]
    for (inputs, _), expected in zip(called, rows, strict=True):
        assert inputs.tokens.shape[1] == inputs.patches.shape[2] // 4 + 64
        for place, row in enumerate(expected):
            patches, grids = image_to_patches(photos[row][None], free.images)
            count = patches.shape[2]
            # Programs of other shapes may round otherwise: an ulp of 1.
            own = inputs.patches[place, 0, :count]
            np.testing.assert_allclose(own, patches[0, 0], atol=1.2e-7)
            assert not np.asarray(inputs.patches[place, 0, count:]).any()
            assert inputs.grids[place].tolist() == grids[0].tolist()
            (prompt,) = encode_prompts(free.tokenizer, [goals[row]], count // 4)
            assert inputs.tokens[place][inputs.mask[place]].tolist() == prompt


@pytest.mark.slow
def test_another_size_in_the_bucket_compiles_no_decoding(free, monkeypatch):
    """Pictures of 65 to 96 patches share a bucket."""
    monkeypatch.setattr(planner, "PATCHES", 192)
    options = {"max_new_tokens": 3}
    free.complete([noise(128, 160), noise(96, 192)], GOALS[:2], **options)
    compiled = _generate._cache_size()
    free.complete([noise(192, 128), noise(64, 32)], GOALS[:2], temperature=0.5, **options)
    free.complete([noise(224, 96)] * 3, [GOALS[2], "Fog.", "Snow."], seed=3, **options)
    assert _generate._cache_size() == compiled
    free.complete([noise(256, 128), noise(128, 128)], GOALS[:2], **options)
    assert _generate._cache_size() > compiled


def test_constrained_answers_are_plans(loaded, photos):
    options = {"temperature": 1.5, "num_samples": 4, "max_new_tokens": 100}
    plans = loaded.plan(photos[:1], GOALS[:1], **options)
    assert all(isinstance(plan, Plan) for plan in plans[0])
    assert len(set(map(repr, plans[0]))) == 4
    texts = loaded.complete(photos[:1], GOALS[:1], constrained=True, **options)
    assert [Plan.from_json(text) for text in texts[0]] == plans[0]


def test_plans_begin_with_the_contexts_that_are_given(loaded, photos):
    contexts = [{}, {"season": "winter_bare", "weather": "unknown"}, {"weather": "fog_dense"}]
    options = {"temperature": 1.5, "num_samples": 2, "max_new_tokens": 100}
    plans = loaded.plan(photos, GOALS, contexts=contexts, **options)
    assert [[plan.context for plan in row] for row in plans] == [[c, c] for c in contexts]
    assert all(row[0] != row[1] for row in plans)  # the steps are the planner's own


@pytest.mark.parametrize("form", PLAN_FORMS)
def test_a_forced_context_is_encoded_as_in_a_plan(loaded, form):
    contexts = [{}, {"season": "winter_bare", "weather": "fog_dense"}]
    forced = force_contexts(loaded.tokenizer, form, contexts, 2, 100)
    assert forced.shape == (2, 100)
    for row, context in zip(forced, contexts, strict=True):
        step = Step("Snow.", "season", {"target_season": "winter_bare"})
        text = PLAN_FORMS[form].write(Plan(context, (step,), "Snow."))
        ids = row[row >= 0].tolist()
        assert ids == loaded.tokenizer.encode(text)[: len(ids)]
        assert "}" in loaded.tokenizer.decode(ids) and "Snow" not in loaded.tokenizer.decode(ids)
        assert "}" not in loaded.tokenizer.decode(ids[:-1])


def test_contexts_that_cannot_be_forced_are_refused(loaded, photos):
    for ask in (loaded.plan, loaded.check):
        with pytest.raises(InputError, match="1 contexts and 3 goals; give a context per goal"):
            ask(photos, GOALS, contexts=[{}])
        with pytest.raises(InputError, match=r"contexts\[1\]: .* has no option 'fog'"):
            ask(photos[:2], GOALS[:2], contexts=[{}, {"weather": "fog"}])
        with pytest.raises(InputError, match=r"max_new_tokens 12: contexts\[0\] and a step after"):
            ask(photos[:1], GOALS[:1], contexts=[{}], max_new_tokens=12)


def test_tool_calls_are_read_and_asked_for(loaded, photos, monkeypatch):
    plan = Plan({}, (Step("So.", "weather", {"weather_type": "hail"}),), "Hail.")
    text = (
        'So.\n<tool_call>\n{"name": "weather", "arguments": {"weather_type": "hail"}}\n</tool_call>'
    )
    asking = dataclasses.replace(loaded, form="tool_calls", system=True)
    with pytest.raises(InputError, match="form 'tool_calls' has no grammar"):
        asking.plan(photos[:1], GOALS[:1])
    seen = []

    def generate(config, params, inputs, **_):
        seen.append(loaded.tokenizer.decode(np.asarray(inputs.tokens)[0]))
        tokens = [*loaded.tokenizer.encode(text + "\nHail."), loaded.tokenizer.im_end]
        return GenerateResult(*(np.array([x]) for x in (tokens, len(tokens), [0.0], [0.0], [0.0])))

    monkeypatch.setattr(planner, "generate", generate)
    assert asking.plan(photos[:1], GOALS[:1], constrained=False) == [[plan]]
    assert "<|im_start|>system" in seen[0] and "Context:" in seen[0]
    with pytest.raises(InputError, match="did you mean 'tool_calls'"):
        dataclasses.replace(loaded, form="tool_call")


def test_the_end_of_the_turn_is_no_text(loaded):
    tokenizer = loaded.tokenizer
    ids = tokenizer.encode("ab")
    tokens = np.array([[*ids, tokenizer.im_end, tokenizer.im_end]])
    result = dataclasses.make_dataclass("Result", ["tokens", "lengths"])
    assert texts_of(tokenizer, result(tokens, np.array([len(ids) + 1]))) == ["ab"]
    assert texts_of(tokenizer, result(tokens, np.array([len(ids)]))) == ["ab"]


def test_nothing_asked_nothing_answered(loaded, photos):
    assert loaded.complete([], []) == []
    assert loaded.plan(photos[:0], []) == []


def test_bad_input(loaded, photos):
    with pytest.raises(InputError, match="3 images and 2 goals"):
        loaded.complete(photos, GOALS[:2])
    with pytest.raises(InputError, match=r"images\[1\] has shape \(64, 128\); each must be"):
        loaded.complete([photos[0], photos[0, :64, :, 0]], GOALS[:2])
    with pytest.raises(InputError, match=r"images\[0\] has shape .* \[H, W, 3\]"):
        loaded.complete(photos[..., 0], GOALS)
    with pytest.raises(InputError, match=r"images\[1\] is int64; use uint8"):
        loaded.complete([photos[0], photos[0].astype(int)], GOALS[:2])
    with pytest.raises(InputError, match="num_samples 0 is too small"):
        loaded.complete(photos, GOALS, num_samples=0)


@pytest.mark.parametrize("rows", [[[1, 2, 3]] * 3, [[1] * 9] * 3, [[]] * 3, [[1] * 8] * 2])
def test_tokens_that_would_be_gone_on_with_are_not_scored(loaded, photos, rows):
    with pytest.raises(InputError, match="tokens"):
        loaded.score(photos, GOALS, tokens=rows, max_new_tokens=8)


@pytest.mark.parametrize(
    ("file", "field", "value", "message"),
    [
        ("config.json", "image_token_id", 3, "image_token_id 3, not"),
        ("preprocessor_config.json", "merge_size", 1, "spatial_merge_size 2, not 1"),
        ("preprocessor_config.json", "patch_size", 14, "patch_size 16, not 14"),
    ],
)
def test_files_of_two_models_are_refused(directory, tmp_path, file, field, value, message):
    mixed = shutil.copytree(directory, tmp_path / "mixed")
    content = json.loads((mixed / file).read_text())
    (mixed / file).write_text(json.dumps(content | {field: value}))
    with pytest.raises(InputError, match=message):
        Planner.from_pretrained(mixed, weights=False)


@pytest.mark.parametrize("temperature", [float("inf"), float("nan"), -1.0, 1e39])
def test_temperatures_that_are_none_are_refused(loaded, photos, temperature):
    for ask in (loaded.plan, loaded.complete):
        with pytest.raises(InputError, match="temperature .* out of range; use 0"):
            ask(photos[:1], GOALS[:1], temperature=temperature)


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_logits_that_are_not_finite_are_refused(loaded, photos, temperature):
    """As of weights that are finite and too large: here a norm's, so that nothing else changes."""
    params = jax.tree.map(lambda x: x, loaded.params)
    params["language_model"]["norm"]["scale"] = jnp.full(128, 3e38)
    broken = dataclasses.replace(loaded, params=params)
    options = {"temperature": temperature, "num_samples": 4, "max_new_tokens": 100}
    with pytest.raises(InputError, match=f"{loaded.directory}: its logits are not finite"):
        broken.plan(photos[:1], GOALS[:1], **options)


def test_a_prompt_beyond_the_models_context(loaded, photos):
    text = dataclasses.replace(loaded.config.text, max_position_embeddings=70)
    short = dataclasses.replace(loaded, config=dataclasses.replace(loaded.config, text=text))
    lengths = r"goals\[1\]: its prompt has \d\d tokens and the model's limit is 70 with .* 30"
    with pytest.raises(InputError, match=lengths):
        short.complete(photos[:2], ["Fog.", "A " + "very " * 10 + "foggy day."], max_new_tokens=30)
