"""Which published repository holds a model in a format: data/checkpoints.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmplan.catalog import data_dir

FILE: Final = "checkpoints.csv"
SAFETENSORS: Final = "safetensors"
OLLAMA: Final = "ollama"
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


def checkpoint(
    model_id: str, precision_id: str, form: str = SAFETENSORS, folder: Path | None = None
) -> Checkpoint:
    """Return the repository of a model in a precision.

    FP8 without a published repository is quantised at load from the 16-bit one; FP16 runs the BF16 one cast.
    Ollama's library holds GGUF files only: the format of the same width stands in. Anything else unknown becomes
    the local path /models/MODEL-PRECISION, to be filled by a quantiser.
    """
    table = _table(folder or data_dir())
    wanted = GGUF_STAND_INS.get(precision_id, precision_id) if form == OLLAMA else precision_id
    exact = table.get((model_id, wanted, form))
    if exact is not None:
        return Checkpoint(exact, True)
    plain = table.get((model_id, "bf16", form))
    if plain is not None and precision_id in ("fp16", "fp8"):
        return Checkpoint(plain, True, "fp8" if precision_id == "fp8" else None)
    return Checkpoint(f"/models/{model_id}-{precision_id}", False)


def _table(folder: Path) -> dict[tuple[str, str, str], str]:
    path = folder / FILE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["model_id"], row["precision_id"], row["format"]): row["repository"]
            for row in csv.DictReader(file)
        }
