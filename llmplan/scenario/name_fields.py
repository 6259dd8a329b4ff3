"""Its name, and what is uncertain in it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from llmplan.scenario.about import About, Affects, Group
from llmplan.scenario.values import Label, Uncertain


class NameFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """Its name, and what is uncertain in it."""

    GROUP: ClassVar[Group] = Group.OTHER

    name: Annotated[
        Label,
        Field(min_length=1, max_length=80),
        About("Name", "What the scenario is called.", affects=Affects.SHOWN),
    ] = "custom"
    ranges: Annotated[
        Uncertain,
        About(
            "Ranges",
            "What is uncertain: fields, assumptions, prices or factors, each with low and high, or low, base and high.",
            affects=Affects.RISK,
            empty="the catalog's ranges",
        ),
    ] = ()
