"""What is asked of the system: fields, text forms, workload, traffic traces."""

from llmplan.scenario.about import NO_OPTION, Affects
from llmplan.scenario.names import check_ids
from llmplan.scenario.presets import load_scenario, scenario_from_toml, scenario_names, scenario_to_toml
from llmplan.scenario.scenario import FIELDS, Scenario, fields_that, leaving_out, make_scenario, under_catalog

__all__ = [
    "FIELDS",
    "NO_OPTION",
    "Affects",
    "Scenario",
    "check_ids",
    "fields_that",
    "leaving_out",
    "load_scenario",
    "make_scenario",
    "scenario_from_toml",
    "scenario_names",
    "scenario_to_toml",
    "under_catalog",
]
