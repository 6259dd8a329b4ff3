import numpy as np
import pytest

from llmplan.growth.autoscaling import fluid_backlog


def test_a_burst_by_hand():
    # 3 requests/s offered to 2 for ten minutes, then 1: 600 wait at the end and are gone ten minutes later
    offered = np.ones(60)
    offered[10:20] = 3.0
    backlog, wait = fluid_backlog(offered, np.full(60, 2.0))
    assert backlog[:10].max() == 0
    assert backlog[19] == pytest.approx(570) and backlog[20] == pytest.approx(570)
    assert backlog[30:].max() == 0
    # who arrives at the end of the burst waits until the 600 before it are served at 2/s
    assert wait[19] == pytest.approx((270 + 300) / 2)


def test_capacity_that_arrives_shortens_the_wait():
    offered = np.full(60, 1.0)
    capacity = np.full(60, 2.0)
    capacity[10:20] = 0.5
    capacity[20:] = 4.0
    backlog, wait = fluid_backlog(offered, capacity)
    assert backlog[19] == pytest.approx(285)
    # at the edges of minutes 14, 15, 16: 240 s, 300 s (150 at 0.5/s) and 240 + 60 / 4 = 255 s
    assert wait[14:16] == pytest.approx([270, 277.5])
    assert wait[25:].max() < 60


def test_overload_is_never_served():
    _, wait = fluid_backlog(np.full(10, 2.0), np.ones(10))
    assert np.all(wait > 0)
    _, wait = fluid_backlog(np.full(10, 2.0), np.zeros(10))
    assert np.all(np.isinf(wait))
