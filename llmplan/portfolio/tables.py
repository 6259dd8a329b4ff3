"""A portfolio in tables and a sentence: what pages, files and the shell show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.portfolio.plan import Portfolio
from llmplan.wording import Currency, counted, joined, share

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Planned:
    """A portfolio with what the log tells of its apps.

    Attributes
    ----------
    shown: what `llmplan usage show` tells. stamp: where the numbers come from, in words.
    """

    shown: Mapping[str, Any]
    found: Portfolio
    money: Currency
    stamp: str

    @property
    def week(self) -> Floats:
        """Queries of all apps in the busiest week of each hour, (168,)."""
        return np.asarray(sum(app.week for app in self.found.apps), float)

    @property
    def headline(self) -> str:
        """What all cost today and after, in a sentence."""
        found, money = self.found, self.money
        if not found.today_usd:
            return "The file tells no cost, and the catalog has no price of its models"
        saved = found.today_usd - found.after_usd
        if saved <= 0:
            return f"Nothing beats today's {money.short(found.today_usd)} a month"
        part = share(saved / found.today_usd)
        return f"{money.short(saved)} of {money.short(found.today_usd)} a month ({part}) can be saved"

    @property
    def fleet_line(self) -> str:
        """What is shared, in a sentence."""
        fleet = self.found.fleet
        if fleet is None:
            return "No fleet that several apps share costs less than each on its own."
        said = (
            f"Shared fleet: {fleet.label}, {counted(fleet.replicas, 'replica')}; apart its {len(fleet.apps)} apps would "
            f"need {fleet.apart_replicas}, since their peaks do not coincide."
        )
        if fleet.unbatched_replicas == fleet.replicas:
            return said
        waiting = [
            app.name for app in map(self.found.apps.__getitem__, fleet.apps) if app.scenario.batch_share
        ]
        return f"{said} What may wait of {joined(waiting)} fills the valleys; else it would need {fleet.unbatched_replicas}."

    @property
    def taken_line(self) -> str:
        """What the log does not tell and was taken; "" where it tells all."""
        taken = [f"{app.name}: {'; '.join(app.taken)}" for app in self.found.apps if app.taken]
        return f"The file does not tell, and was taken: {'. '.join(taken)}." if taken else ""

    def apps(self) -> pd.DataFrame:
        """Return a row an app: what it asks, what it costs, what to do with it; sums in USD a month."""
        import pandas as pd

        told = {str(item["app"]): item for item in self.shown["apps"]}
        return pd.DataFrame(
            {
                "app": app.name,
                "queries_per_day": app.scenario.queries_per_day,
                "input_tokens": app.scenario.input_tokens,
                "output_tokens": app.scenario.output_tokens,
                **{
                    name: told[app.name][name]
                    for name in ("cached_share", "reasoning_share", "peak_to_mean", "growth_per_month")
                },
                "today_usd": app.today_usd,
                "paid_usd": app.paid_usd,
                "list_usd": app.list_usd,
                "paid_to_list": app.paid_to_list,
                "action": verdict.action,
                "option_id": verdict.option_id,
                "with": verdict.label,
                "after_usd": verdict.after_usd,
                "saving_usd": None
                if app.today_usd is None or verdict.after_usd is None
                else app.today_usd - verdict.after_usd,
            }
            for app, verdict in zip(self.found.apps, self.found.verdicts, strict=True)
        )

    def bill(self) -> pd.DataFrame:
        """Return today's bill, a row an app, a column a model; USD a month."""
        import pandas as pd

        apps = self.found.apps
        names = dict.fromkeys(model for app in apps for model, usd in app.models.items() if usd)
        columns = {name: [app.models.get(name) or 0.0 for app in apps] for name in names}
        return pd.DataFrame(columns, index=[app.name for app in apps], dtype=float)

    def moves(self) -> pd.DataFrame:
        """Return what to move first: apps, to, saving a month and once-off cost in USD, months until it is paid."""
        import pandas as pd

        columns = ("apps", "to", "saving_usd", "one_off_usd", "payback_months")
        rows = [
            (", ".join(move.apps), move.label, move.saving_usd, move.one_off_usd, move.payback_months)
            for move in self.found.first_moves
        ]
        return pd.DataFrame(rows, columns=list(columns))
