"""What a visitor's session may write to: 1,024 MB beyond its start."""

import subprocess
import sys

import pytest

MOVES = """
import resource
from pathlib import Path
from llmplan.app.model import AppModel
from llmplan.app.server.zygote import DATA_PAGES, freeze

def written_mb():
    return int(Path("/proc/self/statm").read_text().split()[DATA_PAGES]) * resource.getpagesize() / 2**20

model = AppModel()
model.answer
freeze()
before = written_mb()
for step in range(24):
    model.change({"input_tokens": 1_100.0 + step})
    model.answer
print(written_mb() - before)
"""
THREE_WAYS = """
from llmplan.app.model import AppModel
from llmplan.app.server.settings import SESSION_MEMORY_MB
from llmplan.app.server.zygote import freeze, limit_memory

model = AppModel()
freeze()
limit_memory(SESSION_MEMORY_MB)
model.change({"quality_floor": 0.7, "billing_modes": ("always_on", "scale_to_zero", "autoscaled")})
report = model.report
print(len(report.envelopes), report.full_map.kind.shape, len(report.rivals))
"""


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout.decode()


@pytest.mark.server
def test_tables_that_moves_leave_behind_end_while_a_slider_moves() -> None:
    """Each move's tables take some 12 MB and stand in circles: 24 of them, and what is kept, took 480 MB."""
    assert float(printed(MOVES)) < 420


@pytest.mark.server
def test_curves_and_map_of_fleets_that_stop_when_idle_fit() -> None:
    """Their idle time is worked out by hour, fleet, split and volume: all at once took over a gigabyte."""
    assert printed(THREE_WAYS).startswith("4 (")
