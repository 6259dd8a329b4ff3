"""The kinds of options: one enum owns how they are called, drawn and ordered."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """A kind of option, in the order in which kinds are listed and drawn; its value is its id in tables."""

    API = "api"
    HOSTED = "hosted"
    SELF_HOSTED = "self_hosted"
    HYBRID = "hybrid"

    @property
    def label(self) -> str:
        """What it is, within a sentence."""
        return _LOOKS[self].label

    @property
    def head(self) -> str:
        """What it is, as a head or at the beginning of a sentence."""
        return self.label[:1].upper() + self.label[1:]

    @property
    def short(self) -> str:
        """What it is in one word, for a card or the end of a line."""
        return _LOOKS[self].short

    @property
    def noun(self) -> str:
        """One option of the kind."""
        return _LOOKS[self].noun

    @property
    def plural(self) -> str:
        """Several options of the kind."""
        return f"{self.noun}s"

    @property
    def order(self) -> int:
        """Its place among the kinds, from 0: also its number in arrays."""
        return list(Kind).index(self)

    @property
    def colour(self) -> str:
        """Its colour: a token that themes and templates give a shade of their own."""
        return f"@{self.order + 1}"

    @property
    def dash(self) -> str:
        """Its line, as plotly names dashes."""
        return _LOOKS[self].dash

    @property
    def letter(self) -> str:
        """What stands for it where a chart has room for one letter only."""
        return _LOOKS[self].letter


class _Looks(NamedTuple):
    label: str
    short: str
    noun: str
    letter: str
    dash: str


_LOOKS = {
    Kind.API: _Looks("API", "API", "API", "A", "solid"),
    Kind.HOSTED: _Looks("hosted open model", "Hosted", "hosted open model", "H", "dash"),
    Kind.SELF_HOSTED: _Looks("self-hosted", "Self-hosted", "self-hosted option", "S", "solid"),
    Kind.HYBRID: _Looks("routed", "Routed", "routed option", "R", "dashdot"),
}
TOKEN = (Kind.API, Kind.HOSTED)
"""Kinds that are paid by the token."""
