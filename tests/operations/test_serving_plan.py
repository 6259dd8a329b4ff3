import pytest
from plan_sample import SAMPLE, sample

from llmplan.errors import InputError


def test_load_by_hand():
    assert SAMPLE.mean_requests_per_s == pytest.approx(5.787, rel=1e-4)
    assert SAMPLE.peak_requests_per_s == pytest.approx(11.574, rel=1e-4)
    assert SAMPLE.working_replicas == 4 and SAMPLE.gpus_total == 10
    assert SAMPLE.min_replicas == 3  # 5.787 / (4 x 0.7) = 2.07


def test_memory_shares():
    assert SAMPLE.memory_in_use_share == 74 / 80
    assert SAMPLE.kv_room_tokens == 80 * 1_300


@pytest.mark.parametrize(
    "change",
    [{"requests_per_s": 0}, {"ttft_ms": float("nan")}, {"replicas": 0}, {"utilisation_ceiling": 1.5}],
)
def test_a_plan_of_an_option_that_cannot_serve_is_refused(change):
    with pytest.raises(InputError):
        sample(**change)


def test_no_targets_and_no_spares_are_fine():
    plan = sample(ttft_limit_ms=None, tpot_limit_ms=None, spare_replicas=0)
    assert plan.working_replicas == 5
