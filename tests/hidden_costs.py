"""Hidden costs for tests: one line a month, people by steps of GPUs."""

from llmplan.cost.hidden import PER_MONTH, PER_STEP, CostLine, HiddenCosts, LowBaseHigh

Side = tuple[float, float, float]


def hidden(flat: Side = (0, 0, 0), people: Side = (0, 0, 0), gpus_per_step: Side = (1, 1, 1)) -> HiddenCosts:
    """Return flat USD a month, and people's for each begun step of GPUs, low/base/high each."""
    lines = (
        CostLine("flat", PER_MONTH, LowBaseHigh(*flat)),
        CostLine("people", PER_STEP, LowBaseHigh(*people)),
    )
    return HiddenCosts(lines, LowBaseHigh(*gpus_per_step))
