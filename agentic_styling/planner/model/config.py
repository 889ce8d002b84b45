"""The shape of a Qwen3-VL model: text and vision sizes, presets, and Hugging Face's config.json."""

from __future__ import annotations

import dataclasses
from typing import Any

from agentic_styling.utils.errors import InputError, nearest

DENSE, MOE = "qwen3_vl", "qwen3_vl_moe"
ARCHITECTURES = {
    DENSE: "Qwen3VLForConditionalGeneration",
    MOE: "Qwen3VLMoeForConditionalGeneration",
}
TEXT_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")  # also in the text section
TOKEN_IDS = (
    *("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id"),
    *TEXT_IDS,
)
EXPERT_SIZES = ("num_experts", "num_experts_per_tok", "moe_intermediate_size")
# Values of the published mixture of experts; no others are supported.
EVERY_LAYER_SPARSE = {"norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": []}


@dataclasses.dataclass(frozen=True)
class TextConfig:
    """Sizes of the text decoder. The defaults are those of all published dense sizes.

    num_experts: 0 in a dense decoder; else every layer is a mixture of experts of width
    moe_intermediate_size, of which each token takes num_experts_per_tok.
    """

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int = 128
    vocab_size: int = 151936
    rms_norm_eps: float = 1e-6
    rope_theta: float = 5e6
    mrope_section: tuple[int, ...] = (24, 20, 20)
    attention_bias: bool = False
    max_position_embeddings: int = 262144
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0


@dataclasses.dataclass(frozen=True)
class VisionConfig:
    """Sizes of the vision tower."""

    depth: int
    hidden_size: int
    intermediate_size: int
    out_hidden_size: int
    deepstack_visual_indexes: tuple[int, ...]
    num_heads: int = 16
    in_channels: int = 3
    patch_size: int = 16
    temporal_patch_size: int = 2
    spatial_merge_size: int = 2
    num_position_embeddings: int = 2304

    @property
    def patch_dim(self) -> int:
        """Numbers in one flattened patch, in the order channel, frame, row, column."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2


@dataclasses.dataclass(frozen=True)
class Qwen3VLConfig:
    """A Qwen3-VL: both towers, the ids of special tokens, and whether the embedding is tied.

    Hashable, so it can be a static argument of a jitted function.
    """

    text: TextConfig
    vision: VisionConfig
    tie_word_embeddings: bool = False
    image_token_id: int = 151655
    video_token_id: int = 151656
    vision_start_token_id: int = 151652
    vision_end_token_id: int = 151653
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None

    def __post_init__(self):
        if self.vision.out_hidden_size != self.text.hidden_size:
            raise InputError(
                f"config: vision out_hidden_size {self.vision.out_hidden_size} must equal the text "
                f"hidden_size {self.text.hidden_size}"
            )
        if len(self.vision.deepstack_visual_indexes) > self.text.num_hidden_layers:
            raise InputError(
                f"config: {len(self.vision.deepstack_visual_indexes)} deepstack blocks need at "
                f"least as many text layers, not {self.text.num_hidden_layers}"
            )
        experts, taken = self.text.num_experts, self.text.num_experts_per_tok
        if experts and not (0 < taken <= experts and self.text.moe_intermediate_size > 0):
            raise InputError(
                f"config: num_experts {experts} needs num_experts_per_tok (here {taken}) from 1 "
                "to as many, and a moe_intermediate_size"
            )

    @classmethod
    def preset(cls, name: str) -> Qwen3VLConfig:
        """A published size ("2b", "4b", "8b", "32b", "30b-a3b"), or "tiny" for random weights."""
        if name not in PRESETS:
            raise InputError(f"preset {name!r} is unknown; {nearest(name, PRESETS)}")
        return PRESETS[name]

    def for_tokenizer(self, tokenizer) -> Qwen3VLConfig:
        """This shape with the vocabulary size and special token ids of a `Tokenizer`."""
        return dataclasses.replace(
            self,
            text=dataclasses.replace(self.text, vocab_size=tokenizer.vocab_size),
            vision_start_token_id=tokenizer.vision_start,
            vision_end_token_id=tokenizer.vision_end,
            image_token_id=tokenizer.image_pad,
            video_token_id=tokenizer.video_pad,
            eos_token_id=tokenizer.im_end,
            pad_token_id=tokenizer.pad,
        )

    @classmethod
    def from_hf(cls, hf: dict[str, Any]) -> Qwen3VLConfig:
        """Read a Hugging Face config.json, with either style of rope keys."""
        if hf.get("model_type") not in (DENSE, MOE):
            raise InputError(
                f"config.json: model_type {hf.get('model_type')!r} is not supported; "
                f"use a Qwen3-VL, model_type {DENSE!r} or {MOE!r}"
            )
        text, vision = _section(hf, "text_config"), _section(hf, "vision_config")
        rope = {**(text.get("rope_scaling") or {}), **(text.get("rope_parameters") or {})}
        text["rope_theta"] = rope.get("rope_theta", text.get("rope_theta"))
        text["mrope_section"] = rope.get("mrope_section")
        rope.setdefault("rope_type", rope.get("type", "default"))  # its older name
        _check_supported(rope, "rope_type", "default")
        _check_supported(rope, "mrope_interleaved", True)
        _check_supported(text, "hidden_act", "silu")
        _check_supported(vision, "hidden_act", "gelu_pytorch_tanh")
        if hf["model_type"] == MOE:
            _read_experts(text)
        named = [*text.items(), *hf.items()]
        ids = {name: value for name, value in named if name in TOKEN_IDS and value is not None}
        return cls(
            text=TextConfig(**_fields(TextConfig, text)),
            vision=VisionConfig(**_fields(VisionConfig, vision)),
            tie_word_embeddings=bool(hf.get("tie_word_embeddings", False)),
            **{name: _hashable(value) for name, value in ids.items()},
        )

    def to_hf(self) -> dict[str, Any]:
        """The config.json that transformers reads, in the style of the published files."""
        text, vision = dataclasses.asdict(self.text), dataclasses.asdict(self.vision)
        section = list(text.pop("mrope_section"))
        kind = MOE if self.text.num_experts else DENSE
        if kind == MOE:
            text |= EVERY_LAYER_SPARSE
        else:
            text = {name: value for name, value in text.items() if name not in EXPERT_SIZES}
        text |= {
            "model_type": f"{kind}_text",
            **{name: getattr(self, name) for name in TEXT_IDS},
            "hidden_act": "silu",
            "rope_scaling": {
                "mrope_interleaved": True,
                "mrope_section": section,
                "rope_type": "default",
            },
        }
        vision |= {
            "model_type": kind,
            "hidden_act": "gelu_pytorch_tanh",
            "deepstack_visual_indexes": list(self.vision.deepstack_visual_indexes),
        }
        return {
            "architectures": [ARCHITECTURES[kind]],
            "model_type": kind,
            **{name: getattr(self, name) for name in TOKEN_IDS},
            "tie_word_embeddings": self.tie_word_embeddings,
            "text_config": text,
            "vision_config": vision,
        }


def _section(hf: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(hf.get(name), dict):
        raise InputError(f"config.json: {name} is missing; use the config.json of a Qwen3-VL")
    return dict(hf[name])


def _read_experts(text: dict[str, Any]) -> None:
    """Rename the experts' sizes; dense layers among the sparse ones are not supported."""
    # transformers writes the first of these and reads both.
    text["num_experts"] = text.get("num_local_experts") or text.get("num_experts")
    for name in EXPERT_SIZES:
        if not text.get(name):
            raise InputError(f"config.json: text_config lacks {name!r}; add it")
    heads = text.get("num_attention_heads") or 1
    text["head_dim"] = text.get("head_dim") or text.get("hidden_size", 0) // heads
    for name, wanted in EVERY_LAYER_SPARSE.items():
        _check_supported(text, name, wanted)


def _fields(cls, values: dict[str, Any]) -> dict[str, Any]:
    """The entries of a Hugging Face section that are fields of ours; lists become tuples."""
    fields = {}
    for field in dataclasses.fields(cls):
        value = values.get(field.name)
        if value is not None:
            fields[field.name] = _hashable(value)
        elif field.default is dataclasses.MISSING:
            raise InputError(f"config.json: {cls.__name__} lacks {field.name!r}; add it")
    return fields


def _hashable(value):
    return tuple(value) if isinstance(value, list) else value


def _check_supported(values: dict[str, Any], name: str, wanted) -> None:
    value = values.get(name)
    if value is not None and value != wanted:
        raise InputError(f"config.json: {name} {value!r} is not supported; it must be {wanted!r}")


def _published(text: TextConfig, small: bool = False) -> Qwen3VLConfig:
    """The small ones have a smaller vision tower and tie their embedding."""
    sizes, taps = ((24, 1024, 4096), (5, 11, 17)) if small else ((27, 1152, 4304), (8, 16, 24))
    vision = VisionConfig(*sizes, text.hidden_size, taps)
    return Qwen3VLConfig(text, vision, small, bos_token_id=151643, eos_token_id=151645)


EXPERTS_30B = {"num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768}
# The tiny preset has 1.6 million parameters.
PRESETS = {
    "tiny": Qwen3VLConfig(
        TextConfig(128, 256, 3, 4, 2, head_dim=32, vocab_size=1536, mrope_section=(6, 5, 5)),
        VisionConfig(3, 96, 192, 128, (0, 1), num_heads=4, num_position_embeddings=64),
        tie_word_embeddings=True,
        # The last of the vocabulary, in the order of `tokenizer.SPECIAL_TOKENS`.
        pad_token_id=1529,
        eos_token_id=1531,
        vision_start_token_id=1532,
        vision_end_token_id=1533,
        image_token_id=1534,
        video_token_id=1535,
    ),
    "2b": _published(TextConfig(2048, 6144, 28, 16, 8), small=True),
    "4b": _published(TextConfig(2560, 9728, 36, 32, 8), small=True),
    "8b": _published(TextConfig(4096, 12288, 36, 32, 8)),
    "32b": _published(TextConfig(5120, 25600, 64, 64, 8)),
    "30b-a3b": _published(TextConfig(2048, 6144, 48, 32, 4, **EXPERTS_30B)),
}
