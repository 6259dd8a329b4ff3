"""Which published repository holds a model in a format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from llmplan.catalog import Catalog

Repositories: TypeAlias = tuple[tuple[str, str, str], ...]
"""Precision, kind of file and repository of each published checkpoint of a model."""

SAFETENSORS: Final = "safetensors"
OLLAMA: Final = "ollama"
MODELOPT: Final = "modelopt"
"""NVIDIA's own checkpoints, which TensorRT-LLM loads where there is one."""
GGUF_STAND_INS: Final = {"fp8": "w8a16", "int8": "w8a16", "bf16": "fp16"}
"""GGUF files know neither FP8 nor W8A8 nor BF16 here: the format of the same width that Ollama's library has."""


@dataclass(frozen=True)
class Checkpoint:
    """Where to load a model from.

    Attributes
    ----------
    repository: name on the hub or in Ollama's library; a local path where none is known.
    published: whether `repository` is a published name.
    quantise_at_load: "fp8" where a 16-bit repository is to be quantised by the engine; else None.
    """

    repository: str
    published: bool
    quantise_at_load: str | None = None


def repositories_of(catalog: Catalog, model_id: str) -> Repositories:
    """Return where a model's weights are published."""
    rows = (row for row in catalog.checkpoints if row.model_id == model_id)
    return tuple((row.precision_id, row.format, row.repository) for row in rows)


def checkpoint(
    repositories: Repositories, model_id: str, precision_id: str, form: str = SAFETENSORS
) -> Checkpoint:
    """Return the repository of a model in a precision.

    FP8 without a published repository is quantised at load from the 16-bit one; FP16 runs the BF16 one cast.
    Ollama's library holds GGUF files only: the format of the same width stands in. Anything else unknown becomes
    the local path /models/MODEL-PRECISION, to be filled by a quantiser.
    """
    forms = (SAFETENSORS, MODELOPT) if form == MODELOPT else (form,)
    known = {precision: name for f in forms for precision, format_, name in repositories if format_ == f}
    wanted = GGUF_STAND_INS.get(precision_id, precision_id) if form == OLLAMA else precision_id
    if wanted in known:
        return Checkpoint(known[wanted], True)
    if "bf16" in known and precision_id in ("fp16", "fp8"):
        return Checkpoint(known["bf16"], True, "fp8" if precision_id == "fp8" else None)
    return Checkpoint(f"/models/{model_id}-{precision_id}", False)
