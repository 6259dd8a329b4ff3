"""One frozen record of plain values: what sliders, presets, links, the shell and slides all speak.

Each field (`*_fields.py`, by group) says all that is known of it. Panel, links, the shell's options, differences,
caches and docs/scenario_fields.md derive from that; code that is to use the field is the only other place to touch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Self

from pydantic import ValidationError, model_validator

from llmplan.catalog import Catalog, load_catalog
from llmplan.errors import InputError, UnknownNameError, rule_and_fix
from llmplan.scenario.about import Affects, Shape, described
from llmplan.scenario.choice_fields import ChoiceFields
from llmplan.scenario.engine_fields import EngineFields
from llmplan.scenario.fleet_fields import FleetFields
from llmplan.scenario.name_fields import NameFields
from llmplan.scenario.owned_fields import OwnedFields
from llmplan.scenario.price_fields import CurrencyFields, PriceFields
from llmplan.scenario.quality_fields import QualityFields
from llmplan.scenario.values import (
    HOURS_OF_WEEK,
    NONE,
)
from llmplan.scenario.workload import Workload
from llmplan.scenario.workload_fields import WorkloadFields
from llmplan.wording import Currency


class Scenario(
    CurrencyFields,
    PriceFields,
    EngineFields,
    OwnedFields,
    FleetFields,
    ChoiceFields,
    QualityFields,
    WorkloadFields,
    NameFields,
):
    """Everything that an answer rests on besides the catalog. Empty tuples of ids mean: all of them.

    The fields of `ASSUMED` may be left empty (out, or None): they then hold the assumption of the shipped
    catalog until `under` puts that of another in its place.
    """

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {key: v for key, v in values.items() if not (key in ASSUMED and v in (None, NONE))}

    @model_validator(mode="after")
    def _percentiles(self) -> Self:
        for field in ("input_tokens", "output_tokens"):
            p95, mean = getattr(self, f"{field}_p95"), getattr(self, field)
            if p95 is not None and not p95 >= mean * 0.5:
                rule = f"lies far below the mean {mean:g}"
                raise InputError(f"{field}_p95", p95, rule, "give a 95th percentile, or leave it out")
        return self

    def but(self, **changes: Any) -> Scenario:
        """Return a checked copy with `changes`; raise InputError that names the field, value and rule."""
        found = make_scenario({**self.model_dump(), **changes})
        emptied = {field for field in ASSUMED if changes.get(field, 0) in (None, NONE)}
        return found._with_set((self.model_fields_set | changes.keys()) - emptied)

    def _with_set(self, fields: set[str]) -> Scenario:
        object.__setattr__(self, "__pydantic_fields_set__", fields)
        return self

    def given(self, field: str) -> Any:
        """Return a field's value; None where it is left to the catalog's assumption."""
        return getattr(self, field) if field in self.model_fields_set or field not in ASSUMED else None

    def under(self, catalog: Catalog) -> Scenario:
        """Return the scenario with the catalog's assumptions in the fields that are left empty."""
        left = {field: catalog.assumption(row).base for field, row in ASSUMED.items()}
        left = {field: value for field, value in left.items() if self.given(field) is None}
        if all(getattr(self, field) == value for field, value in left.items()):
            return self
        return self.model_copy(update=left)._with_set(self.model_fields_set)

    @property
    def buys_gpus(self) -> bool:
        """Whether nothing is rented: servers are bought, for a building of one's own in any case."""
        return self.fleet_price_kind == "bought"

    @property
    def fleet_price_kind(self) -> str:
        """How GPUs that are not owned yet are paid for."""
        in_building = self.data_stays_in_house and self.in_house == "building"
        return "bought" if in_building else self.gpu_price_kind

    @property
    def image_tokens(self) -> float:
        """Input tokens of a query's images."""
        return self.images_per_query * self.tokens_per_image

    @property
    def currency(self) -> Currency:
        """The currency that answers are shown in; a code of letters stands apart from the sum."""
        apart = " " if self.currency_symbol[-1].isalpha() else ""
        return Currency(self.currency_symbol + apart, self.currency_per_usd)

    @property
    def _week_shares(self) -> tuple[float, ...] | None:
        held = dict(self.week_profile)
        return tuple(held.get(hour, 0.0) for hour in HOURS_OF_WEEK) if held else None

    def workload(self, catalog: Catalog | None = None) -> Workload:
        """Return the workload part, with the daily profile looked up."""
        profile = None
        if self.profile_id is not None:
            profile = (catalog or load_catalog()).profile(self.profile_id)
        return Workload(
            queries_per_day=self.queries_per_day,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_input_tokens=self.input_tokens * self.cached_input_share,
            input_tokens_p95=self.input_tokens_p95,
            output_tokens_p95=self.output_tokens_p95,
            hourly_profile=profile,
            peak_to_mean=self.peak_to_mean,
            batch_share=self.batch_share,
            week_profile=self._week_shares,
            weekend_factor=self.weekend_factor,
            utc_offset_hours=self.utc_offset_hours,
            days_per_month=self.days_per_month,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values with pairs as dictionaries, as JSON and TOML want them."""
        data = self.model_dump()
        return {key: dict(value) if key in MAPPINGS else value for key, value in data.items()}


FIELDS = described(Scenario)
"""Every field by name, in the order of the record."""
ASSUMED = {name: field.about.assumed for name, field in FIELDS.items() if field.about.assumed}
"""Fields that hold the catalog's assumption where they are left empty, and the id of that."""
MAPPINGS = tuple(name for name, field in FIELDS.items() if field.shape in (Shape.PAIRS, Shape.RANGES))
"""Fields that hold names with numbers."""


def fields_that(*affect: Affects) -> tuple[str, ...]:
    """Return the fields that affect one of some things."""
    return tuple(name for name, field in FIELDS.items() if field.about.affects in affect)


def leaving_out(scenario: Scenario, *affect: Affects) -> Scenario:
    """Return the scenario that stands for all that differ in what affects some things alone."""
    return scenario.model_copy(update=_defaults(affect))


@cache
def _defaults(affect: tuple[Affects, ...]) -> dict[str, Any]:
    return {field: Scenario.model_fields[field].get_default() for field in fields_that(*affect)}


def voided(changes: Mapping[str, Any]) -> dict[str, None]:
    """Return the fields that changes take away: a percentile came with another mean."""
    return {
        field.about.voids: None for name, field in FIELDS.items() if name in changes and field.about.voids
    }


def under_catalog(scenario: Scenario, catalog: Catalog | None) -> tuple[Scenario, Catalog]:
    """Return the catalog (the shipped one where None) and the scenario with its assumptions filled in."""
    catalog = catalog or load_catalog()
    return scenario.under(catalog), catalog


def make_scenario(values: Mapping[str, Any]) -> Scenario:
    """Build a Scenario; raise InputError that names the first field, its value, the rule and the fix."""
    unknown = [key for key in values if key not in Scenario.model_fields]
    if unknown:
        raise UnknownNameError("scenario field", unknown[0], Scenario.model_fields)
    try:
        return Scenario(**values)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, InputError):
            raise cause from None
        field = str(first["loc"][0]) if first["loc"] else "scenario"
        raise InputError(field, first.get("input"), *rule_and_fix(first)) from None
