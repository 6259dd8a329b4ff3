"""A scenario's fleet for tests, from its comparison at prices by the token."""

from llmplan.catalog import Catalog
from llmplan.operations import ServingPlan
from llmplan.operations.choosing import plan_of, self_hosted_place
from llmplan.options import evaluate
from llmplan.options.comparison import by_the_token
from llmplan.scenario import Scenario


def serving_plan(scenario: Scenario, catalog: Catalog, option_id: str | None = None) -> ServingPlan:
    """Return the plan of a scenario's cheapest feasible self-hosted option, or of the named one."""
    comparison = evaluate(by_the_token(scenario), catalog)
    return plan_of(comparison, self_hosted_place(comparison, option_id), catalog)
