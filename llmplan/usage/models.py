"""Model names as logs write them, and the API prices of the catalog that they mean."""

from __future__ import annotations

import re

from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.catalog.records import ApiPrice

_DATE = re.compile(r"[-@]?(20\d{2}-?[01]\d-?[0-3]\d)$")
_VERSION = re.compile(r"(-v\d+(:\d+)?|:\d+|-\d{3}|-latest|:free|:batch)$")
_VENDOR = re.compile(
    r"^((us|eu|apac|jp|au|global|us-gov)\.)?(anthropic|amazon|meta|mistral|cohere|deepseek|openai)\."
)


def plain_name(model: str) -> str:
    """Return a name without its path, region and vendor, date and version: claude-haiku-4-5."""
    name = re.sub(r"[ _.]", "-", _VENDOR.sub("", model.strip().lower().rsplit("/", 1)[-1]))
    while (shorter := _VERSION.sub("", _DATE.sub("", name))) != name:
        name = shorter
    return name


def known_api(model: str | None, catalog: Catalog) -> ApiPrice | None:
    """Return the price of the model that a log names; None where the catalog holds none.

    The exact name wins over the one without its date, and a maker's own price over a host's.
    """
    if model is None:
        return None
    exact, plain = _names(catalog)
    written = model.strip().lower()
    for name in (written, written.rsplit("/", 1)[-1]):
        if name in exact:
            return exact[name]
    return plain.get(plain_name(model))


@kept(1)
def _names(catalog: Catalog) -> tuple[dict[str, ApiPrice], dict[str, ApiPrice]]:
    """Return the prices by exact and by plain name; of several the maker's own, then the active one."""
    exact: dict[str, ApiPrice] = {}
    plain: dict[str, ApiPrice] = {}
    rows = sorted(catalog.apis.values(), key=lambda api: (api.kind == "hosted_open", api.status != "active"))
    for api in rows:
        exact.setdefault(api.api_id.lower(), api)
        exact.setdefault(api.provider_model.lower(), api)
        plain.setdefault(plain_name(api.api_id), api)
        plain.setdefault(plain_name(api.provider_model), api)
    return exact, plain
