"""What stands against a recommended hybrid."""

from __future__ import annotations

from collections.abc import Iterator

from llmplan.recommend.caveats import Weighed, gpu_price_caveats, throughput_caveats
from llmplan.risk.hybrid import BestHybrid
from llmplan.wording import share


def hybrid_caveats(best: BestHybrid) -> tuple[str, ...]:
    """Return what stands against a hybrid, the weightiest first."""
    rows = [
        *_split(best),
        *throughput_caveats(best.weak),
        *gpu_price_caveats(best.weak, best.options.scenario.currency),
    ]
    rows.append((0.45, f"{share(1 - best.hybrid.found.share_weak)} of queries leave for the API."))
    return tuple(text for _, text in sorted(rows, key=lambda row: (-row[0], row[1]))[:3])


def _split(best: BestHybrid) -> Iterator[Weighed]:
    part = share(best.hybrid.found.share_weak)
    yield (
        0.95,
        f"That the fleet can answer {part} at this quality rests on an assumed router: "
        "test one on your own queries.",
    )
