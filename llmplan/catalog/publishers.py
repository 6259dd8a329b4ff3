"""Who published a measured row, who ran it, and how its engine was started, as far as their scripts say."""

import re
from collections.abc import Mapping
from typing import Final

from llmplan.catalog.cache import kept
from llmplan.catalog.catalog import Catalog
from llmplan.catalog.evidence import MeasuredSettings

SAME_HOSTS: Final = {"aiconfigurator silicon_sample": "InferenceX dashboard"}
"""Publishers whose rows are another one's runs."""


def publisher_of(source_title: str) -> str:
    """Who measured: the first two words of the source's title, whichever of its suites a row is of."""
    words = (word for word in re.findall(r"[\w-]+", source_title) if not word.startswith("suite"))
    return " ".join(list(words)[:2])


def host_of(source_title: str) -> str:
    """Who ran the engine: the publisher, or the one whose runs it passes on."""
    name = publisher_of(source_title)
    return SAME_HOSTS.get(name, name)


def published_settings(
    catalog: Catalog, source_title: str, engine_id: str, published: str, names: Mapping[str, str]
) -> MeasuredSettings | None:
    """How a row's engine was started; None where no script tells.

    published: the row's date. names: its model_id, precision and gpu_id.
    """
    for date, row in _newest_first(catalog).get((host_of(source_title), engine_id), ()):
        told = (getattr(row, name) in (None, names[name]) for name in ("model_id", "precision", "gpu_id"))
        if date <= published and all(told):
            return row
    return None


@kept(1)
def _newest_first(catalog: Catalog) -> dict[tuple[str, str], list[tuple[str, MeasuredSettings]]]:
    """Settings by publisher and engine with the dates from which they hold; of one date in the table's order."""
    found: dict[tuple[str, str], list[tuple[str, MeasuredSettings]]] = {}
    for row in sorted(catalog.measured_settings, key=lambda row: row.from_date, reverse=True):
        found.setdefault((row.publisher, row.engine_id), []).append((row.from_date.isoformat(), row))
    return found
