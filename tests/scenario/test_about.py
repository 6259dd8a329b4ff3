"""What fields say of themselves is what panel, shell and links do with them."""

from typing import Annotated, Any

import pytest
import typer
from pydantic import BaseModel
from typer.testing import CliRunner

from llmplan.app.fields import Number
from llmplan.app.fields_of_scenario import changes_of, scenario_fields, values_of
from llmplan.catalog import load_catalog
from llmplan.cli.scenario_options import with_scenario
from llmplan.errors import InputError
from llmplan.scenario import FIELDS, Affects, Scenario, fields_that
from llmplan.scenario.about import About, Group, Shape, by_group, described
from llmplan.scenario.text import NOT_IN_LINKS, field_text

CATALOG = load_catalog()
SAMPLES: dict[Shape, Any] = {Shape.NUMBER: 0.75, Shape.WHOLE: 3, Shape.FLAG: True}
OTHER_WORDS = {
    "cache_lifetime": "hour",
    "in_house": "building",
    "service_tier": "flex",
    "cached_prefix": "own",
    "kv_cache_dtype": "fp8",
    "owned_cost": "full",
    "gpu_price_kind": "spot",
    "profile_id": "office-hours",
    "reference_api_id": "gpt-4o-mini",
    "reference_effort": "high",
    "text_kind": "de-prose",
    "token_basis": "equal",
    "volume_unit": "month",
}
NAMED = {
    "api": "gpt-4o",
    "model": "llama-3.1-8b",
    "scored model": "llama-3.1-8b",
    "precision": "fp8",
    "gpu": "l4",
    "engine": "vllm",
    "task": "code",
    "billing mode": "autoscaled",
    "commitment": "1_month",
    "region": "us",
    "API provider": "openai",
    "GPU provider": "aws",
}


def sample(name: str) -> Any:
    """Return a value of a field other than its default."""
    field, default = FIELDS[name], getattr(Scenario(), name)
    if field.shape is Shape.FLAG:
        return not default
    if field.shape in (Shape.NUMBER, Shape.WHOLE):
        own = {
            "latency_percentile": 95.0,
            "floor_chance": 0.7,
            "draft_acceptance": 0.5,
            "queries_per_day": 7.0,
            "input_tokens_p95": 900.0,
            "output_tokens_p95": 900.0,
        }
        return own.get(name, 2 if field.shape is Shape.WHOLE else 1.0 if default != 1.0 else 0.92)
    if field.shape is Shape.NAMES:
        return (NAMED[field.about.names],)
    if field.shape is Shape.PAIRS:
        return (({"input_lengths": "900"}.get(name) or NAMED.get(field.about.names, "mon-09"), 1.0),)
    if field.shape is Shape.RANGES:
        return (("queries_per_day", (10.0, 20.0)),)
    return OTHER_WORDS.get(name, "x")


def shell(*words: str) -> Scenario:
    """Return the scenario that a command gets from the shell."""
    got: list[Scenario] = []
    app = typer.Typer()

    def command(scenario: Scenario, catalog: Any) -> None:
        assert catalog is load_catalog()
        got.append(scenario)

    app.command()(with_scenario(command))
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return got[0]


def flag_of(name: str, value: Any) -> list[str]:
    flags = FIELDS[name].about.flags or (f"--{name.replace('_', '-')}",)
    if FIELDS[name].shape is Shape.FLAG:
        on, off = (flags[0] if "/" in flags[0] else f"{flags[0]}/--no-{name}").split("/")
        return [on if value else off]
    return [flags[0], field_text(name, value)]


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_an_option_and_a_setting(name: str) -> None:
    value = sample(name)
    want = Scenario().but(**{name: value}).under(CATALOG)
    assert getattr(want, name) == value != getattr(Scenario(), name)
    assert getattr(shell(*flag_of(name, value)), name) == value
    assert shell("--set", f"{name}={field_text(name, value)}") == want


def test_pairs_may_be_told_one_by_one() -> None:
    found = shell("--task-quality-floor", "code=0.9", "--task-quality-floors", "rag-qa=0.8")
    assert dict(found.task_quality_floors) == {"code": 0.9, "rag-qa": 0.8}


def test_a_mean_of_ones_own_voids_the_percentile_of_another() -> None:
    assert shell("--set", "input_tokens_p95=4000").input_tokens_p95 == 4_000
    assert shell("--preset", "chat-real", "--input-tokens", "500").input_tokens_p95 is None
    assert changes_of({"output_tokens": 5}) == {"output_tokens": 5, "output_tokens_p95": None}


def test_fields_say_what_they_are() -> None:
    labels = [field.about.label for field in FIELDS.values()]
    assert len(set(labels)) == len(labels)
    for field in FIELDS.values():
        assert field.about.help.endswith(".") and bool(field.about.empty) >= field.is_optional
    assert by_group(FIELDS.values())[0].group is Group.WORKLOAD
    assert set(fields_that(Affects.VOLUME, Affects.RISK, Affects.SHOWN)) == {
        "name",
        "queries_per_day",
        "volume_unit",
        "think_time_s",
        "prompts_per_day",
        "calls_per_task",
        "ranges",
        "currency_symbol",
        "currency_per_usd",
    }
    assert {"measured_csv"} == NOT_IN_LINKS


def test_a_field_that_says_nothing_is_refused() -> None:
    class Silent(BaseModel):
        colour: str = "red"

    class Odd(BaseModel):
        colour: Annotated[bytes, About("Colour", "A colour.", Group.OTHER)] = b""

    for record in (Silent, Odd):
        with pytest.raises(TypeError, match="colour"):
            described(record)


def test_emptiness_not_zero_stands_for_no_value_on_the_panel() -> None:
    boxes = {field.key: field for field in scenario_fields(CATALOG, Scenario())}
    for name, field in FIELDS.items():
        if not (field.is_optional and field.about.panel) or field.shape is Shape.TEXT:
            continue
        box = boxes[name]
        assert isinstance(box, Number) and box.clean(None) is None and field.about.empty in box.help
    with pytest.raises(InputError):
        boxes["queries_per_day"].clean(None)
    free = Scenario().but(engineering_usd_per_month=0, ttft_limit_ms=None).under(CATALOG)
    shown = values_of(free, None, CATALOG)
    assert shown["engineering_usd_per_month"] == 0 and shown["ttft_limit_ms"] is None
    assert free.but(**changes_of({"engineering_usd_per_month": 0})).engineering_usd_per_month == 0
    assert shown["profile_id"] == "none" and free.but(**changes_of({"profile_id": "none"})) == free
