"""The two sides of the planner benchmark.

Each method prepares the work of a row and returns a call that does it and waits for the result, or
a pair of calls (see `timing.seconds`).
"""

import functools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

PROMPT, NEW_TOKENS, BATCH = 512, 64, 4
IMAGE_TOKENS = 256  # of a picture of 512 x 512

HF_CONFIG = json.loads(Path(__file__).with_name("small_planner.json").read_text())


def parameters() -> int:
    """The number of parameters of the model."""
    import jax

    from agentic_styling.planner import Qwen3VLConfig, init_params

    config = Qwen3VLConfig.from_hf(HF_CONFIG)
    shapes = jax.eval_shape(lambda key: init_params(config, key), jax.random.key(0))
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def write_weights(directory: str) -> None:
    """Writes random weights of HF_CONFIG as a Hugging Face directory."""
    import jax

    from agentic_styling.planner import Qwen3VLConfig, init_params, save_pretrained

    config = Qwen3VLConfig.from_hf(HF_CONFIG)
    save_pretrained(directory, config, init_params(config, jax.random.key(0)))


def plan_tokenizer():
    """A small tokenizer trained on a plan for every option."""
    from agentic_styling.planner import train_tokenizer
    from agentic_styling.tools import DIMENSIONS, VOCABULARY, Plan, Step

    tools = [VOCABULARY[name] for name in DIMENSIONS]
    texts = [
        Plan({tool.name: value}, (Step("So be it.", tool.name, {tool.target: value}),)).to_json()
        for tool in tools
        for value in tool.parameters[tool.target].values
    ]
    with tempfile.TemporaryDirectory() as directory:
        return train_tokenizer(texts, directory, 1536)


def text_tokens(rows: int = 1) -> np.ndarray:
    """Random text [rows, 512]."""
    return np.random.default_rng(0).integers(0, 30000, (rows, PROMPT))


def image_prompt() -> dict[str, np.ndarray]:
    """The output of a Hugging Face processor for one 512 x 512 picture and 512 tokens."""
    tokens = text_tokens()
    tokens[0, 3] = 32002
    tokens[0, 4 : 4 + IMAGE_TOKENS] = 32000
    tokens[0, 4 + IMAGE_TOKENS] = 32003
    pixels = np.random.default_rng(1).standard_normal((4 * IMAGE_TOKENS, 1536))
    return {
        "input_ids": tokens,
        "attention_mask": np.ones_like(tokens),
        "pixel_values": pixels.astype(np.float32),
        "image_grid_thw": np.array([[1, 32, 32]]),
    }


class Torch:
    """transformers, eager, with its default attention (scaled_dot_product_attention)."""

    def __init__(self, directory: str):
        import torch
        import transformers

        self.torch = torch
        load = transformers.Qwen3VLForConditionalGeneration.from_pretrained
        self.model = load(directory, dtype=torch.float32).eval()

    def _inputs(self, image: bool):
        arrays = image_prompt() if image else {"input_ids": text_tokens()}
        inputs = {name: self.torch.from_numpy(array) for name, array in arrays.items()}
        if image:
            inputs["mm_token_type_ids"] = (inputs["input_ids"] == 32000).int()
        return inputs

    def _without_gradients(self, call):
        def run():
            with self.torch.inference_mode():
                return call()

        return run

    def prefill(self, image: bool = False):
        """The logits of the last position, and the cache."""
        inputs = self._inputs(image)
        return self._without_gradients(
            lambda: self.model(**inputs, use_cache=True, logits_to_keep=1)
        )

    def prefill_image(self):
        """The same with a picture."""
        return self.prefill(image=True)

    def vision(self):
        """The vision tower alone."""
        inputs = self._inputs(image=True)
        tower = self.model.model.visual
        return self._without_gradients(
            lambda: tower(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"])
        )

    def decode(self):
        """64 greedy steps from a prefilled cache, which is then truncated."""
        prefilled = self.prefill()()
        cache = prefilled.past_key_values
        first = prefilled.logits[:, -1:].argmax(-1)

        def steps():
            token = first
            for _ in range(NEW_TOKENS):
                out = self.model(input_ids=token, past_key_values=cache, use_cache=True)
                token = out.logits[:, -1:].argmax(-1)
            cache.crop(-NEW_TOKENS)

        return self._without_gradients(steps)

    def generate(self):
        """Greedy `generate` of exactly 64 tokens."""
        inputs = self._inputs(image=True)
        length = {"max_new_tokens": NEW_TOKENS, "min_new_tokens": NEW_TOKENS}
        return self._without_gradients(
            lambda: self.model.generate(**inputs, **length, do_sample=False, pad_token_id=0)
        )

    def train(self):
        """Next-token cross-entropy, its gradient, and fused AdamW."""
        torch, model = self.torch, self.model.train()
        tokens = torch.from_numpy(text_tokens(BATCH))
        optimizer = torch.optim.AdamW(model.model.language_model.parameters(), lr=1e-5, fused=True)

        def step():
            loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            return loss.item()

        return step


class Jax:
    """This project."""

    def __init__(self, directory: str):
        from agentic_styling.planner import load_pretrained

        self.config, self.params = load_pretrained(directory)

    def _inputs(self, image: bool):
        import jax.numpy as jnp

        from agentic_styling.planner import Inputs, hf_inputs

        if image:
            return hf_inputs(self.config, image_prompt())
        tokens = jnp.asarray(text_tokens(), jnp.int32)
        return Inputs(tokens, jnp.ones(tokens.shape, bool))

    def prefill(self, image: bool = False):
        """The logits of the last position, and the cache."""
        import jax

        from agentic_styling.planner import Qwen3VL, output_embedding

        @jax.jit
        def forward(params, inputs):
            model = Qwen3VL(self.config, keep_cache=True)
            hidden, caches = model.apply({"params": params}, inputs)
            return hidden[:, -1] @ output_embedding(self.config, params).T, caches

        return functools.partial(_run, forward, self.params, self._inputs(image))

    def prefill_image(self):
        """The same with a picture."""
        return self.prefill(image=True)

    def vision(self):
        """The vision tower alone."""
        import jax

        from agentic_styling.planner.model.vision import VisionTower

        inputs = self._inputs(image=True)
        tower = jax.jit(VisionTower(self.config.vision).apply)
        variables = {"params": self.params["visual"]}
        return functools.partial(_run, tower, variables, inputs.patches[0], inputs.grids[0])

    def decode(self, **options):
        """64 steps: the time of generating 96 tokens minus that of 32."""
        inputs = self._inputs(image=False)
        return tuple(self._generate(inputs, count, **options) for count in (32 + NEW_TOKENS, 32))

    def decode_constrained(self):
        """The same under the plan grammar."""
        from agentic_styling.planner import compile_plan_grammar

        grammar = compile_plan_grammar(plan_tokenizer(), self.config.text.vocab_size)
        return self.decode(grammar=grammar, stop_ids=(grammar.end,))

    def generate(self, samples: int = 1):
        """Greedy `generate` of exactly 64 tokens."""
        return self._generate(self._inputs(image=True), NEW_TOKENS, num_samples=samples)

    def generate_8(self):
        """The same with 8 samples, at temperature 1."""
        return self._generate(self._inputs(image=True), NEW_TOKENS, num_samples=8, temperature=1.0)

    def _generate(self, inputs, new_tokens: int, stop_ids=(-1,), temperature=0.0, **options):
        from agentic_styling.planner import generate

        options |= {"stop_ids": stop_ids, "temperature": temperature}
        options["max_new_tokens"] = new_tokens
        return functools.partial(
            _run, functools.partial(generate, **options), self.config, self.params, inputs
        )

    def train(self):
        """Next-token cross-entropy, its gradient, and optax's AdamW."""
        import jax
        import jax.numpy as jnp
        import optax

        from agentic_styling.losses import token_logps
        from agentic_styling.planner import Compute, Inputs, Qwen3VL, output_embedding

        tokens = jnp.asarray(text_tokens(BATCH), jnp.int32)
        inputs = Inputs(tokens, jnp.ones(tokens.shape, bool))
        optimizer = optax.adamw(1e-5)

        def loss(params):
            hidden = Qwen3VL(self.config, Compute(remat="dots")).apply({"params": params}, inputs)
            embedding = output_embedding(self.config, params)
            mask = inputs.mask[:, 1:]
            return -token_logps(hidden[:, :-1], embedding, tokens[:, 1:], mask).mean()

        @functools.partial(jax.jit, donate_argnums=(0, 1))
        def update(params, state):
            value, gradients = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(gradients, state, params)
            return optax.apply_updates(params, updates), state, value

        text = {"language_model": self.params["language_model"]}
        params = jax.tree.map(jnp.copy, text)
        held = [params, optimizer.init(params)]

        def step():
            *held[:], value = update(*held)
            return float(value)

        return step


def _run(function, *arguments):
    import jax

    return jax.block_until_ready(function(*arguments))


if __name__ == "__main__":
    import timing

    _, given, side, method = sys.argv
    timing.serve(lambda: getattr({"Jax": Jax, "Torch": Torch}[side](given), method)())
