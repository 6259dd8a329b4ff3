"""A scenario's traffic routed between options."""

from llmplan.routing.plan import RoutePlan, plan_route, route
from llmplan.routing.request import RouteRequest

__all__ = ["RoutePlan", "RouteRequest", "plan_route", "route"]
