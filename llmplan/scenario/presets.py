"""Scenarios in files: the shipped presets and TOML there and back."""

from __future__ import annotations

from pathlib import Path

from llmplan.catalog import Catalog, DataFolder, data_dir
from llmplan.catalog.cache import kept
from llmplan.errors import InputError, UnknownNameError
from llmplan.foreign import parse_toml, read_text
from llmplan.scenario.scenario import ASSUMED, Scenario, make_scenario
from llmplan.scenario.values import NONE


def scenario_names(catalog: Catalog | None = None) -> list[str]:
    """Return the presets' names: those of the catalog's folder, and the shipped ones."""
    folders = {data_dir(), data_dir() if catalog is None else catalog.folder.path}
    return sorted({path.stem for folder in folders for path in (folder / "scenarios").glob("*.toml")})


def load_scenario(name_or_path: str | Path, catalog: Catalog | None = None) -> Scenario:
    """Load a preset by name, or a TOML file by path (anything with a slash or .toml).

    catalog: whose folder's presets come before the shipped ones, and whose assumptions fill empty fields.
    """
    text = str(name_or_path)
    if not (text.endswith(".toml") or "/" in text or "\\" in text):
        return _preset(DataFolder(data_dir()), text) if catalog is None else _preset_of(catalog, text)
    path = Path(text)
    if not path.is_file():
        raise InputError("scenario file", text, "no such file", "give a path to a TOML file")
    found = scenario_from_toml(read_text(path, "scenario file"))
    return found if catalog is None else found.under(catalog)


@kept(16)
def _preset_of(catalog: Catalog, name: str) -> Scenario:
    return _preset(catalog.folder, name, catalog).under(catalog)


def _preset(folder: DataFolder, name: str, catalog: Catalog | None = None) -> Scenario:
    names = scenario_names(catalog)
    if name not in names:
        raise UnknownNameError("preset", name, names)
    return scenario_from_toml(read_text(folder.find(f"scenarios/{name}.toml"), "scenario file"))


def scenario_from_toml(text: str) -> Scenario:
    """Parse TOML; raise InputError on bad syntax, unknown keys or values against a rule."""
    return make_scenario(parse_toml(text, "scenario", "write plain fields"))


def scenario_to_toml(scenario: Scenario) -> str:
    """Write a scenario as TOML; fields that hold their default are left out, a limit taken away is "none"."""
    import tomli_w

    defaults = {key: None if key in ASSUMED else value for key, value in Scenario().to_dict().items()}
    values = scenario.to_dict() | {field: scenario.given(field) for field in ASSUMED}
    data = {k: v for k, v in values.items() if v is not None and v != defaults[k]}
    data |= {k: NONE for k, v in values.items() if v is None and defaults[k] is not None}
    return tomli_w.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in data.items()})
