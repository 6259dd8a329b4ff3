"""What the workers of the sweep tests run; importable by them."""

import os
import signal
import time
from pathlib import Path

import pandas as pd

from llmplan.scenario import Scenario


def table(scenario: Scenario) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "option_id": ["a", "b"],
            "usd": [scenario.queries_per_day, 2 * scenario.queries_per_day],
            "reasons": [(), ("dear",)],
            "nothing": [None, None],
        }
    )


MOST = 100.0
ASKED: list[float] = []


def failing_above_most(scenario: Scenario) -> pd.DataFrame:
    ASKED.append(scenario.queries_per_day)
    if scenario.queries_per_day > MOST:
        raise ValueError("too many")
    return table(scenario)


def logged(scenario: Scenario) -> pd.DataFrame:
    """Leave a mark for every evaluation; die once where a file asks for it."""
    folder = Path(os.environ["SWEEP_TEST_FOLDER"])
    time.sleep(0.02)
    poison = folder / "poison"
    if scenario.queries_per_day == 7 and poison.exists():
        poison.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    with (folder / "log").open("a") as log:
        log.write(f"{scenario.queries_per_day:g}\n")
    return table(scenario)
