"""The operations plan as a folder of files, written whole or not at all."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import yaml

from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.operations.deployment import AMD_IMAGES, IMAGES, deployment
from llmplan.operations.gateway import ApiTier, litellm_config
from llmplan.operations.launch import LAUNCHERS, launch_command
from llmplan.operations.monitoring import monitoring_list, thresholds
from llmplan.operations.plan import ServingPlan
from llmplan.operations.prometheus import METRICS, alert_rules
from llmplan.operations.readme import readme
from llmplan.operations.scaling import scaled_object
from llmplan.operations.updates import StorageItem, UpdateWindow, storage_list, update_calendar
from llmplan.wording import DOLLAR, Currency

PLAN_FILE: Final = "plan.json"
NVIDIA_ONLY: Final = "tensorrt-llm"


def operations_files(
    plan: ServingPlan,
    api: ApiTier | None,
    updates: Sequence[UpdateWindow],
    storage: Sequence[StorageItem],
    versions: Mapping[str, str] | None = None,
    currency: Currency = DOLLAR,
) -> dict[str, str]:
    """Return relative path -> text of every file of the plan.

    No API: no gateway configuration. `versions`: engine -> version, for the image tags. `currency`: of the first page;
    tables stay in US dollars, as their heads say.
    """
    files = {
        "README.md": readme(plan, api, updates, storage, currency),
        PLAN_FILE: json.dumps(plan_document(plan), indent=2) + "\n",
        "monitoring.csv": _csv(monitoring_list(plan)),
        "storage.csv": _csv(storage),
        "updates.csv": _csv(updates),
    }
    for engine in LAUNCHERS:
        if plan.gpu_vendor == "amd" and engine == NVIDIA_ONLY:
            continue
        files[f"launch/{engine}.sh"] = launch_command(plan, engine).script()
    for engine in AMD_IMAGES if plan.gpu_vendor == "amd" else IMAGES:
        for part in deployment(plan, engine, (versions or {}).get(engine, "")):
            files[f"kubernetes/{engine}-{part['kind'].lower()}.yaml"] = to_yaml(part)
    for engine in METRICS:
        files[f"prometheus/{engine}-alerts.yaml"] = to_yaml(alert_rules(plan, engine))
        files[f"kubernetes/{engine}-scaledobject.yaml"] = to_yaml(scaled_object(plan, engine))
    if api is not None:
        files["litellm/config.yaml"] = to_yaml(litellm_config(plan, api))
    return files


def plan_document(plan: ServingPlan) -> dict[str, Any]:
    """Return the plan and the thresholds of its alerts as plain values: `plan.json`, and what `ops --json` tells."""
    return {"plan": asdict(plan), "thresholds": asdict(thresholds(plan))}


def fleet_files(
    plan: ServingPlan, api: ApiTier | None, catalog: Catalog, start: dt.date, currency: Currency = DOLLAR
) -> dict[str, str]:
    """Return `operations_files` with updates from a day on and storage as the catalog assumes them."""

    def base(assumption_id: str) -> float:
        return catalog.assumption(assumption_id).base

    updates = update_calendar(
        plan, start, base("updates-per-year"), base("days-per-update"), base("day-rate-usd")
    )
    storage = storage_list(plan, round(base("weight-versions-kept")))
    versions = {engine.engine_id: engine.version for engine in catalog.engines.values()}
    return operations_files(plan, api, updates, storage, versions, currency)


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return YAML with the keys in the order given, no aliases, lines unbroken."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Repeats a value instead of pointing at it: an alias would be valid, but people edit these files."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def zipped(files: Mapping[str, str]) -> bytes:
    """Return texts as a ZIP archive under the folder operations; scripts can be run."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"operations/{name}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def write_operations(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files to `folder` at once: a reader sees the old folder or the new one, never a half.

    A folder that holds something else than an earlier plan is left alone, and one that cannot be written is
    named: InputError.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not _is_ours(folder):
        rule = "holds something else than an operations plan"
        raise InputError("--out", str(folder), rule, "give a new or an empty folder")
    try:
        _replace_folder(folder, files)
    except OSError as error:
        rule = f"cannot be written ({error.strerror or error})"
        raise InputError("--out", str(folder), rule, "give a folder that you may write") from error


def _replace_folder(folder: Path, files: Mapping[str, str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new = stage / "new"
        for name, text in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if path.suffix == ".sh" else 0o644)
        if folder.exists():
            folder.rename(stage / "old")
        new.rename(folder)
    finally:
        if not folder.exists() and (stage / "old").exists():
            (stage / "old").rename(folder)
        shutil.rmtree(stage, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and ((folder / PLAN_FILE).is_file() or not any(folder.iterdir()))


def _csv(rows: Sequence[Any]) -> str:
    out = io.StringIO()
    if rows:
        names = [field.name for field in fields(rows[0])]
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return "; ".join(str(item) for item in value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return f"{value:.6g}" if isinstance(value, float) else value
