"""Serving engines' counters (Prometheus): differences between scrapes of vLLM, SGLang and TGI."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import ClassVar

from llmplan.usage.reading import METRICS
from llmplan.usage.rows import Format, Row
from llmplan.usage.values import US_PER_S, Record

Labelled = tuple[str, tuple[tuple[str, str], ...]]
COUNTERS = ("_total", "_sum", "_count", "_success", "_failure")
PROCESS_LABELS = ("engine", "instance", "pod")
"""What tells one process's counters from another's in one scrape, beside the model."""
ENGINES_TELL = "apps, single requests, reasoning tokens and cost; totals between scrapes"


class _Scrapes(Format):
    """Counters of one engine; where one falls the engine was started anew, and all of its own count from 0."""

    spans_files = True
    unknown = ENGINES_TELL
    prefix: ClassVar[str]
    model_label: ClassVar[str] = "model_name"
    split_labels: ClassVar[Mapping[str, str]] = {}
    """Counter -> the label by which its parts are kept apart."""

    def __init__(self) -> None:
        self._scraped: dict[str, tuple[int, dict[Labelled, float]]] = {}
        """Source -> time and counters of its last scrape."""

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return any(re.match(cls.prefix, name) for name, _, _ in record.get(METRICS, ()))

    def rows(self, record: Record) -> Iterator[Row]:
        now, source = record["ts_us"], record.get("source", "")
        before, counters = self._scraped.get(source, (None, {}))
        read = [
            (name, labels, (name, tuple(sorted(labels.items()))), value)
            for name, labels, value in record[METRICS]
            if re.match(self.prefix, name) and not name.endswith(("_created", "_bucket"))
        ]
        anew = {
            self._process(labels)
            for name, labels, key, value in read
            if name.endswith(COUNTERS) and value < counters.get(key, 0.0)
        }
        grown: dict[str, dict[tuple[str, str | None], float]] = defaultdict(lambda: defaultdict(float))
        for name, labels, key, value in read:
            past = 0.0 if self._process(labels) in anew else counters.get(key, 0.0)
            counters[key] = value
            plain = re.sub(self.prefix, "", name)
            part = labels.get(self.split_labels.get(plain, ""))
            grown[labels.get(self.model_label, "")][plain, part] += value - past
        self._scraped[source] = now, counters
        if before is None or now <= before:
            return
        for model, counts in sorted(grown.items()):
            for row in self.between(counts):
                yield row._replace(ts_us=before, model=model or None, bucket_s=(now - before) // US_PER_S)

    def _process(self, labels: Mapping[str, str]) -> tuple[str | None, ...]:
        return tuple(labels.get(name) for name in (self.model_label, *PROCESS_LABELS))

    @abstractmethod
    def between(self, grown: Mapping[tuple[str, str | None], float]) -> Iterator[Row]:
        """Yield the rows of what the counters of a model grew by."""


def _whole(grown: Mapping[tuple[str, str | None], float], *names: str) -> int | None:
    """Return the growth of the first of the counters that is there, all its parts together."""
    for name in names:
        found = [value for (counter, _), value in grown.items() if counter == name]
        if found:
            return round(sum(found))
    return None


class Vllm(_Scrapes):
    name = "vllm_metrics"
    title = "vLLM metrics"
    prefix = r"vllm[:_]"
    split_labels: ClassVar[Mapping[str, str]] = {
        "request_success_total": "finished_reason",
        "prompt_tokens_by_source_total": "source",
    }

    def between(self, grown: Mapping[tuple[str, str | None], float]) -> Iterator[Row]:
        finished = {why: value for (name, why), value in grown.items() if name == "request_success_total"}
        lost = {
            "aborted": round(finished.pop("abort", 0.0)),
            "failed_attempt": round(finished.pop("error", 0.0)),
        }
        cached = _whole(
            grown, "prefix_cache_hits_total", "prompt_tokens_cached_total", "gpu_prefix_cache_hits_total"
        )
        if cached is None:
            by_source = [
                value
                for (name, why), value in grown.items()
                if name == "prompt_tokens_by_source_total" and why != "local_compute"
            ]
            cached = round(sum(by_source)) if by_source else None
        yield Row(
            n_requests=round(sum(finished.values())) if finished else None,
            input_tokens=_whole(grown, "prompt_tokens_total"),
            cached_tokens=cached,
            output_tokens=_whole(grown, "generation_tokens_total"),
        )
        for status, count in lost.items():
            if count:
                yield Row(status=status, n_requests=count)


class Sglang(_Scrapes):
    name = "sglang_metrics"
    title = "SGLang metrics"
    prefix = r"sglang[:_]"

    def between(self, grown: Mapping[tuple[str, str | None], float]) -> Iterator[Row]:
        asked = _whole(grown, "num_requests_total")
        aborted = _whole(grown, "num_aborted_requests_total") or 0
        yield Row(
            n_requests=None if asked is None else asked - aborted,
            input_tokens=_whole(grown, "prompt_tokens_total"),
            cached_tokens=_whole(grown, "cached_tokens_total"),
            output_tokens=_whole(grown, "generation_tokens_total"),
        )
        if aborted:
            yield Row(status="aborted", n_requests=aborted)


class Tgi(_Scrapes):
    name = "tgi_metrics"
    title = "TGI metrics"
    prefix = r"tgi_"
    model_label = "model_id"

    def between(self, grown: Mapping[tuple[str, str | None], float]) -> Iterator[Row]:
        worked, asked = _whole(grown, "request_success"), _whole(grown, "request_count")
        failed = _whole(grown, "request_failure")
        if worked is None:
            worked = _whole(grown, "request_generated_tokens_count")
        if failed is None and asked is not None and worked is not None:
            failed = asked - worked
        yield Row(
            n_requests=worked,
            input_tokens=_whole(grown, "request_input_length_sum"),
            output_tokens=_whole(grown, "request_generated_tokens_sum"),
        )
        if failed and failed > 0:
            yield Row(status="failed_attempt", n_requests=failed)
