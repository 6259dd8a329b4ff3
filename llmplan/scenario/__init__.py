"""What is asked of the system: fields, text forms, workload, traffic traces."""

from llmplan.scenario.fields import (
    Scenario,
    check_ids,
    load_scenario,
    make_scenario,
    scenario_from_toml,
    scenario_names,
    scenario_to_toml,
    under_catalog,
)

__all__ = [
    "Scenario",
    "check_ids",
    "load_scenario",
    "make_scenario",
    "scenario_from_toml",
    "scenario_names",
    "scenario_to_toml",
    "under_catalog",
]
