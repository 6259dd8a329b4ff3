"""Parameters of a vision tower and of its projection into the text model."""

from __future__ import annotations

from typing import Any, Final

from llmplan.errors import InputError

GATED: Final = ("qwen2_5_vl", "pixtral", "gemma4_vision", "glm4v", "glm4v_moe", "glm_ocr")
"""Towers whose feed-forward has three matrices."""
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "width": ("embed_dim", "vt_hidden_size", "hidden_size", "width"),
    "layers": ("depth", "vt_num_hidden_layers", "num_hidden_layers", "layers"),
    "inner": ("vt_intermediate_size", "intermediate_size"),
    "out": ("out_hidden_size", "text_hidden_size", "projection_dim"),
}


def vision_params(vision: dict[str, Any], top: dict[str, Any], text_width: int) -> float:
    """Parameters of the tower that `vision` describes and of its projection to `text_width` [count].

    A block has four attention matrices and two or three of its feed-forward; patches are embedded linearly;
    projections of a square of patches have one hidden layer, those of one patch a matrix (Gemma) or two.
    """
    width, layers = _figure(vision, "width"), _figure(vision, "layers")
    inner = _figure(vision, "inner", int(width * vision.get("mlp_ratio", 4)))
    family = str(vision.get("model_type") or top.get("model_type", ""))
    gated = 3 if family in GATED or top.get("model_type") in GATED else 2
    blocks = layers * (4.0 * width**2 + gated * width * inner + 9.0 * width + inner)
    return blocks + _patches(vision, width) + _projection(vision, top, family, width, text_width)


def audio_params(audio: dict[str, Any] | None) -> float:
    """Parameters of an audio tower of conformers: two feed-forwards, attention, convolution, 24 squares a layer.

    Raises
    ------
    InputError for a tower of another kind.
    """
    if not audio:
        return 0.0
    layers = audio.get("num_hidden_layers", audio.get("conf_num_hidden_layers"))
    if not isinstance(layers, int) or not isinstance(audio.get("hidden_size"), int):
        raise InputError(
            "audio_config", audio.get("model_type", ""), "is a tower that is not known", "add its row by hand"
        )
    return 24.0 * layers * float(audio["hidden_size"]) ** 2


def _figure(vision: dict[str, Any], name: str, default: int | None = None) -> int:
    for key in NAMES[name]:
        if isinstance(vision.get(key), int) and vision[key]:
            return int(vision[key])
    if default is None:
        raise InputError("vision_config", name, "is missing", "give the model's own config.json")
    return default


def _patches(vision: dict[str, Any], width: int) -> float:
    """Parameters of the embedding of patches and of their positions."""
    side = vision.get("patch_size", 14)
    pixels = (
        side**2
        * vision.get("in_channels", vision.get("num_channels", 3))
        * vision.get("temporal_patch_size", 1)
    )
    positions = vision.get("num_position_embeddings", 0) + 2 * vision.get("position_embedding_size", 0)
    positions += vision.get("init_pos_emb_height", 0) * vision.get("init_pos_emb_width", 0)
    if not positions and isinstance(vision.get("image_size"), int) and "rope" not in str(vision):
        positions = (vision["image_size"] // side) ** 2
    return float(width * (pixels + positions))


def _projection(
    vision: dict[str, Any], top: dict[str, Any], family: str, width: int, text_width: int
) -> float:
    merge = vision.get("spatial_merge_size", top.get("spatial_merge_size"))
    merge = (vision.get("img_token_compression_config") or {}).get("spatial_merge_size", merge)
    merge = (vision.get("merge_kernel_size") or [merge or 1])[0]
    joined = width * merge**2
    if family.startswith(("gemma3", "gemma4", "siglip")) or "mm_tokens_per_image" in top:
        return float(width * text_width)
    if family == "pixtral":
        return float(joined * width * (merge > 1) + width * text_width + text_width**2)
    if family.startswith("internvl") or "downsample_ratio" in top:
        joined = int(width / float(top.get("downsample_ratio", 0.5)) ** 2)
        return float(joined * text_width + text_width**2)
    heads = 1 + len(vision.get("deepstack_visual_indexes") or ())
    return float(heads * (joined**2 + joined * text_width))
