"""How long one step of an engine takes: the only thing the simulation asks of a throughput model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from llmplan.errors import InputError


class StepTimes(Protocol):
    """A model of one step of continuous batching."""

    def step_s(
        self, prefill_tokens: float, attended_tokens: float, sequences: float, kv_tokens: float
    ) -> float:
        """Return the duration of one step [s].

        Parameters
        ----------
        prefill_tokens: prompt tokens processed in this step [tokens].
        attended_tokens: sum over those tokens of the context that each attends to [tokens].
        sequences: sequences that decode one token each in this step.
        kv_tokens: cached tokens that those sequences read, all together [tokens].
        """
        ...


@dataclass(frozen=True)
class AffineSteps:
    """A step whose time is a sum of four proportional parts and a fixed one, each in seconds.

    fixed_s: weights read once, launches. per_prefill_token_s, per_attended_token_s: prefill.
    per_sequence_s, per_kv_token_s: decode.
    """

    fixed_s: float
    per_prefill_token_s: float
    per_attended_token_s: float = 0.0
    per_sequence_s: float = 0.0
    per_kv_token_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.fixed_s > 0:
            raise InputError("fixed_s", self.fixed_s, "must be positive", "give the seconds of an empty step")

    def step_s(
        self, prefill_tokens: float, attended_tokens: float, sequences: float, kv_tokens: float
    ) -> float:
        """Return the sum of the parts [s]."""
        prefill = prefill_tokens * self.per_prefill_token_s + attended_tokens * self.per_attended_token_s
        decode = sequences * self.per_sequence_s + kv_tokens * self.per_kv_token_s
        return self.fixed_s + prefill + decode


@dataclass(frozen=True)
class ReplicaLimits:
    """What bounds the running batch of one replica.

    Attributes
    ----------
    kv_tokens: tokens that the KV cache holds [tokens].
    max_running: sequences the engine runs at once (max_num_seqs in vLLM, max_batch_size in TensorRT-LLM).
    tokens_per_step: token budget of one step with chunked prefill (max_num_batched_tokens, max_num_tokens).
    """

    kv_tokens: float
    max_running: int = 256
    tokens_per_step: int = 8192

    def __post_init__(self) -> None:
        for field in ("kv_tokens", "max_running", "tokens_per_step"):
            value = getattr(self, field)
            if not value >= 1:
                raise InputError(field, value, "must be at least 1", "give the engine's setting")

    def sequences(self, tokens_per_sequence: float) -> int:
        """Return how many sequences of that many tokens run at once."""
        if not tokens_per_sequence > 0:
            raise InputError(
                "tokens_per_sequence", tokens_per_sequence, "must be positive", "give tokens > 0"
            )
        return int(min(float(self.max_running), self.kv_tokens / tokens_per_sequence))
