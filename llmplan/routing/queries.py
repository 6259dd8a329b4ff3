"""One's own queries for a route: what the file does not say is taken from the two models."""

from __future__ import annotations

from pathlib import Path

from llmplan.catalog import Catalog
from llmplan.errors import UnknownNameError
from llmplan.options.standing import price_at_effort
from llmplan.options.token_rows import priced
from llmplan.router.queries import QueryOutcomes, TokenPrices, read_queries
from llmplan.routing.request import RouteRequest
from llmplan.routing.sides import find_sides


def read_own_queries(
    request: RouteRequest, path: Path, dataset: str | None, catalog: Catalog
) -> QueryOutcomes:
    """Return a data set of a file of queries, its first by default.

    A file without outcomes gets the two models' mean qualities, the gain spread in proportion to its first
    score; one without costs is priced from its tokens at the strong API's price, which says how much longer
    the routed queries are.

    Raises QueryFileError for what breaks rules in the file, UnknownNameError for a data set that it lacks.
    """
    sides = find_sides(request, catalog)
    price = priced(price_at_effort(request.scenario, catalog, request.strong)[0], request.scenario)
    both = (price.input_usd_per_mtok, price.output_usd_per_mtok)
    weak, strong = float(sides.weak_quality.max()), sides.strong_quality
    found = read_queries(path, None, weak, strong, TokenPrices(*both, *both))
    name = dataset or next(iter(found))
    if name not in found:
        raise UnknownNameError("dataset", name, found)
    return found[name]
