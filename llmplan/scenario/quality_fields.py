"""What a good answer is: floors, what runs today, latency."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from llmplan.scenario.about import About, Box, Group, Slide
from llmplan.scenario.values import EMPTY, Names, Qualities, Shares, limits


class QualityFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """What a good answer is: floors, what runs today, latency."""

    GROUP: ClassVar[Group] = Group.QUALITY

    quality_floor: Annotated[
        float,
        limits(ge=0, le=1.5),
        About(
            "Quality floor",
            "Least share of today's success on the task mix (1 = as good as what runs today).",
            "share of today's",
            panel=Slide(0, 1.5, 0.01, first=6),
        ),
    ] = 0.0
    floor_chance: Annotated[
        float,
        limits(ge=0.5, le=0.99),
        About(
            "Chance to reach it",
            "Least probability with which an option must reach the quality floor.",
            "share",
            panel=Slide(0.5, 0.99, 0.01, first=7),
        ),
    ] = 0.8
    reference_api_id: Annotated[
        str,
        About(
            "Runs today",
            "API whose model runs today: its quality counts as 1, and the tokens are as it counts them.",
            names="api",
            panel=Box(first=1),
        ),
    ] = "gpt-4o"
    reference_effort: Annotated[
        Literal["off", "minimal", "low", "medium", "high", "xhigh", "max", "thinking"] | None,
        EMPTY,
        About(
            "Effort today",
            "Effort at which today's model is asked to think; off: not at all.",
            empty="its vendor's default",
        ),
    ] = None
    task_mix: Annotated[
        Shares,
        About("Task mix", "Tasks and their shares.", empty="all tasks alike", names="task"),
    ] = ()
    task_quality_floors: Annotated[
        Qualities,
        About(
            "Quality floors by task",
            "Least share of today's success on a task, as code=0.9.",
            empty="none",
            names="task",
            flags=("--task-quality-floor", "--task-quality-floors"),
        ),
    ] = ()
    model_quality: Annotated[
        Qualities,
        About(
            "Own qualities",
            "Share of today's success in an evaluation of your own, by model; it replaces the fit's figure.",
            empty="the fit's",
            names="scored model",
        ),
    ] = ()
    own_weights: Annotated[
        Names,
        About(
            "Fine-tuned models",
            "Models of which you have weights of your own, LoRA or full: what you say of their quality holds where "
            "those are served, on GPUs or at a price for fine-tunes, not at endpoints that all share.",
            empty="none",
            panel=Box(),
            names="scored model",
        ),
    ] = ()
    ttft_limit_ms: Annotated[
        float | None,
        limits(gt=0, le=3.6e6),
        EMPTY,
        About(
            "First word within",
            "Target for the time to the first token.",
            "ms",
            empty="no target",
            panel=Box(1, 600_000, times=0.001, unit="s"),
        ),
    ] = 2_000
    tpot_limit_ms: Annotated[
        float | None,
        limits(gt=0, le=60_000),
        EMPTY,
        About(
            "Then a token every",
            "Target for the time per output token.",
            "ms",
            empty="no target",
            panel=Box(1, 10_000, 1),
        ),
    ] = 100
    answer_limit_ms: Annotated[
        float | None,
        limits(gt=0, le=3.6e6),
        EMPTY,
        About(
            "Whole answer within",
            "Target for the time to the last token, reasoning and all.",
            "ms",
            empty="no target",
            panel=Box(1, 3_600_000, times=0.001, unit="s"),
        ),
    ] = None
    latency_percentile: Annotated[
        float | None,
        limits(ge=50, le=99.9),
        EMPTY,
        About(
            "Kept by",
            "Share of requests at the peak that keep the latency targets.",
            "% of requests",
            empty="the mean request",
            panel=Box(50, 99.9, 0.1),
        ),
    ] = None
    min_context_tokens: Annotated[
        int,
        Field(ge=0, le=10_000_000),
        About("Least context", "Least context window of a model.", "tokens"),
    ] = 0
