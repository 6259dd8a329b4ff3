"""A config.json as one flat set of names: the text model's keys under the names that most families use."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from llmplan.errors import InputError
from llmplan.foreign import foreign, parse_json, read_text

MOST, MOST_LAYERS = 10**9, 10**4
"""What a count in a configuration may be: no model has as many, and lists of as many layers are made."""
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "hidden_size": ("d_model", "n_embd", "dim"),
    "num_hidden_layers": ("n_layers", "n_layer", "num_layers"),
    "num_attention_heads": ("n_heads", "n_head"),
    "num_key_value_heads": ("num_kv_heads", "kv_n_heads", "multi_query_group_num", "num_attention_groups"),
    "head_dim": ("attention_head_dim", "kv_channels"),
    "intermediate_size": ("ffn_hidden_size", "ffn_dim", "n_inner", "block_ff_dim"),
    "vocab_size": ("padded_vocab_size",),
    "max_position_embeddings": ("max_seq_len", "seq_length", "n_positions", "max_sequence_length"),
    "num_experts": ("num_local_experts", "n_routed_experts", "moe_num_experts"),
    "num_experts_per_tok": (
        "experts_per_token",
        "num_experts_per_token",
        "top_k_experts",
        "moe_k",
        "moe_topk",
        "moe_top_k",
    ),
    "moe_intermediate_size": ("expert_ffn_hidden_size", "moe_ffn_hidden_size"),
    "n_shared_experts": ("num_shared_experts", "moe_num_shared_experts", "num_shared_expert"),
    "shared_intermediate_size": (
        "shared_expert_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "share_expert_dim",
    ),
    "tie_word_embeddings": ("tie_embedding",),
}
"""Names that families give to the same figure."""
FAMILY_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "gemma": {"head_dim": 256},
    "gemma2": {"sliding_window_pattern": 2},
    "gemma3_text": {
        "vocab_size": 262208,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "sliding_window_pattern": 6,
        "max_position_embeddings": 131072,
    },
    "cohere2": {"sliding_window_pattern": 4},
    "llama4_text": {"no_rope_layer_interval": 4},
    "qwen3_next": {"full_attention_interval": 4},
    "granitemoehybrid": {"mamba_d_conv": 4},
}
"""What configurations of a family leave out because its code in Transformers assumes it."""
TIED: Final = (
    "gemma",
    "cohere",
    "lfm2",
    "starcoder2",
    "smollm3",
    "gpt2",
    "gpt_bigcode",
    "bloom",
    "opt",
    "mpt",
)
"""Families whose head is the embedding unless the configuration says otherwise."""
TEXT_PARTS: Final = ("text_config", "llm_config", "language_config")
NESTED: Final = ("attn_config", "ffn_config")
ENCODERS: Final = (
    "bert",
    "deberta",
    "electra",
    "t5",
    "bart",
    "whisper",
    "clip",
    "siglip",
    "vit",
    "rwkv",
    "mamba",
    "mamba2",
)
UNKNOWN: Final = {
    "zero_expert_num": "has layers of two attentions",
    "use_residual": "has a dense path beside experts",
    "audio_processor": "has towers that it does not describe",
}
"""Shapes that are not counted, by the key that shows them."""
GENERATES: Final = (
    "ForCausalLM",
    "ForConditionalGeneration",
    "LMHeadModel",
    "ForImageTextToText",
    "ChatModel",
)


class Config:
    """A configuration: `text` holds the text model's figures, `top` the whole document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.top = document
        _refuse_other_kinds(document)
        part: dict[str, Any] = next(
            (document[name] for name in TEXT_PARTS if isinstance(document.get(name), dict)), {}
        )
        text = {**document, **{key: value for key, value in part.items() if value is not None}}
        for name in NESTED:
            text |= text.get(name) or {}
        self.family = str(text.get("model_type", ""))
        self.text = FAMILY_DEFAULTS.get(self.family, {}) | text
        if (
            "tie_word_embeddings" not in part
            and "tie_word_embeddings" not in document
            and "tie_embedding" not in text
        ):
            self.text["tie_word_embeddings"] = self.family.startswith(TIED)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a figure under its usual name or an alias; of a list with one entry a layer, what all are."""
        for key in (name, *ALIASES.get(name, ())):
            value = self.text.get(key)
            if name in ALIASES and isinstance(value, list):
                if len(set(value)) != 1:
                    raise InputError(key, value, "differs from layer to layer", "give its row by hand")
                return value[0]
            if value is not None:
                return value
        return default

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a figure that must be there, as a whole number."""
        value = self.get(name, default)
        most = MOST_LAYERS if name == "num_hidden_layers" else MOST
        if not isinstance(value, int | float) or not 0 <= value <= most or value != int(value):
            raise InputError(name, value, "is missing or no whole number", "give the model's own config.json")
        return int(value)

    @property
    def vision(self) -> dict[str, Any] | None:
        found = self.top.get("vision_config")
        return found if isinstance(found, dict) and found else None

    @property
    def quantisation(self) -> dict[str, Any] | None:
        for place in (self.top, self.text):
            for key in ("quantization_config", "compression_config"):
                if isinstance(place.get(key), dict):
                    return dict(place[key])
        return None


def read_config(path: Path) -> Config:
    """Return the configuration in a file.

    Raises
    ------
    InputError where it cannot be read, or describes what is no text-generating decoder.
    """
    document = _json(path)
    if not isinstance(document, dict):
        raise InputError("config", str(path), "is no JSON object", "give a model's config.json")
    beside = path.with_name("hf_quant_config.json")
    if "quantization_config" not in document and beside.is_file():
        with foreign("config", str(beside), "give the one of the checkpoint"):
            document["quantization_config"] = _json(beside)["quantization"]
    with foreign("config", str(path), "give a model's config.json"):
        return Config(document)


def _json(path: Path) -> Any:
    return parse_json(read_text(path, "config"), "config", str(path), "give a model's config.json")


def _refuse_other_kinds(document: dict[str, Any]) -> None:
    family, fix = str(document.get("model_type", "")), "only decoders that generate text can be sized"
    if "_class_name" in document or "_diffusers_version" in document:
        raise InputError("config", document.get("_class_name", ""), "describes a diffusion model", fix)
    encoder = document.get("is_encoder_decoder") or family.replace("-", "_").startswith(ENCODERS)
    if encoder:
        raise InputError("model_type", family, "is an encoder, or has no KV cache to size", fix)
    names = [str(name) for name in document.get("architectures") or ()]
    if names and not any(name.endswith(GENERATES) for name in names):
        raise InputError("architectures", ", ".join(names), "does not generate text", fix)
    for key, what in UNKNOWN.items():
        if document.get(key):
            raise InputError(key, family, what, "give its row by hand")
    for part in ("thinker_config", "talker_config"):
        if part in document:
            raise InputError(part, family, "joins several models", "give the text model's own config.json")
