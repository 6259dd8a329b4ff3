"""Public traces and conversations: Azure, BurstGPT, Mooncake, ShareGPT."""

from __future__ import annotations

from collections.abc import Iterator

from llmplan.errors import InputError
from llmplan.usage.column_map import ColumnMap
from llmplan.usage.mapping import MappedFormat
from llmplan.usage.rows import Format, Row
from llmplan.usage.values import US_PER_S, Record, number, text, tokens

NO_APPS = "apps, models, cached and reasoning tokens, cost"
BLOCK_TOKENS = 512
"""Tokens of a block of Mooncake's hash_ids."""
ANSWERERS = ("gpt", "assistant", "chatgpt", "bing", "bard", "model")


def _offset_us(record: Record, name: str, per_s: int) -> int:
    """Return a time counted from the trace's start."""
    value = number(record, name)
    if value is None or not 0 <= value / per_s < 1e10:
        raise InputError(
            name, record.get(name), "is not a time from the trace's start", "give a number from 0 up"
        )
    return round(value / per_s * US_PER_S)


class AzureTrace(MappedFormat):
    name = "azure_llm_trace"
    title = "Azure LLM inference traces"
    unknown = NO_APPS
    marks = frozenset({"TIMESTAMP", "ContextTokens", "GeneratedTokens"})
    columns = ColumnMap(
        {
            "ts": "TIMESTAMP",
            "app": "trace",
            "input_tokens": "ContextTokens",
            "output_tokens": "GeneratedTokens",
        }
    )


class BurstGpt(Format):
    name = "burstgpt"
    title = "BurstGPT"
    unknown = "cached and reasoning tokens, cost, dates"
    marks = frozenset({"Timestamp", "Request tokens", "Response tokens"})
    relative_time = True

    def rows(self, record: Record) -> Iterator[Row]:
        row = Row(
            _offset_us(record, "Timestamp", 1),
            text(record, "Log Type"),
            None,
            text(record, "Model"),
            input_tokens=tokens(record, "Request tokens"),
            output_tokens=tokens(record, "Response tokens"),
        )
        yield row if row.output_tokens else row._replace(status="failed_attempt")


class Mooncake(Format):
    """Cached tokens are the whole leading blocks that were seen before: what a cache without limit serves."""

    name = "mooncake"
    title = "Mooncake traces"
    unknown = "apps, models, reasoning tokens, cost, dates"
    marks = frozenset({"timestamp", "input_length", "output_length"})
    relative_time = True

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def rows(self, record: Record) -> Iterator[Row]:
        inputs, blocks = tokens(record, "input_length"), record.get("hash_ids")
        cached = None
        if isinstance(blocks, list) and inputs is not None:
            new = next((place for place, block in enumerate(blocks) if block not in self._seen), len(blocks))
            cached = min(new, inputs // BLOCK_TOKENS) * BLOCK_TOKENS
            self._seen.update(blocks)
        yield Row(
            _offset_us(record, "timestamp", 1000),
            input_tokens=inputs,
            cached_tokens=cached,
            output_tokens=tokens(record, "output_length"),
        )


class ShareGpt(Format):
    name = "sharegpt"
    title = "ShareGPT conversations"
    unknown = "times, tokens and cost: it holds text alone, of which only the answers are counted"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return isinstance(record.get("conversations"), list)

    def rows(self, record: Record) -> Iterator[Row]:
        turns = [turn for turn in record["conversations"] if isinstance(turn, dict)]
        answers = sum(str(turn.get("from", turn.get("role"))) in ANSWERERS for turn in turns)
        if answers:
            yield Row(n_requests=answers)
