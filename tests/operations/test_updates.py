import datetime as dt

import pytest
from plan_sample import SAMPLE

from llmplan.errors import InputError
from llmplan.operations import storage_list, update_calendar

START = dt.date(2026, 1, 1)


def test_quarterly_updates():
    windows = update_calendar(SAMPLE, START, 4, 1.5, 800)
    assert [w.month for w in windows] == [3, 6, 9, 12]
    assert windows[-1].due == dt.date(2027, 1, 1)
    assert sum(w.usd for w in windows) == pytest.approx(4 * 1.5 * 800)
    assert windows[0].rollout_hours == pytest.approx(5 * 400 / 3_600)


def test_monthly_updates_and_none():
    assert [w.month for w in update_calendar(SAMPLE, START, 12, 1, 1)] == list(range(1, 13))
    assert update_calendar(SAMPLE, START, 0, 1, 1) == ()
    with pytest.raises(InputError):
        update_calendar(SAMPLE, START, float("nan"), 1, 1)


def test_updates_fall_due_on_working_days():
    windows = update_calendar(SAMPLE, dt.date(2026, 12, 1), 12, 1.5, 800)
    assert all(window.due.weekday() < 5 for window in windows)
    assert [w.due for w in windows] == sorted(w.due for w in windows)
    assert windows[0].due == dt.date(2026, 12, 31)  # 30 days on, a Thursday
    assert windows[1].due == dt.date(2027, 2, 1)  # 61 days on is Sunday 31 January
    assert windows[0].steps[0] == "download and verify the weights, 73 GB in fp8"


def test_storage_is_real_gigabytes():
    registry, disks, rollout = storage_list(SAMPLE, 3)
    assert registry.gb_total == pytest.approx(3 * 72.6)
    assert disks.gb_total == rollout.gb_total == pytest.approx(5 * 72.6)
    with pytest.raises(InputError):
        storage_list(SAMPLE, 0)
