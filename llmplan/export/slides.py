"""What the deck can hold: its slides by name, and charts that a reader adds, which come from a browser: not trusted."""

from __future__ import annotations

from dataclasses import dataclass

from llmplan.errors import InputError

SLIDES = {
    "answer": "The answer",
    "cost": "Cost over volume",
    "quality": "Quality against cost",
    "bill": "What the bill is made of",
    "map": "Volume and model size",
    "options": "The options",
    "risk": "What would flip it",
    "growth": "Growth and payback",
    "hardware": "What we would run",
    "assumptions": "Assumptions and sources",
}
"""The deck's slides by key, in their order."""
PNG = b"\x89PNG\r\n\x1a\n"
MAX_BYTES = 2_000_000
MOST = 12


@dataclass(frozen=True)
class Picture:
    """A chart as PNG with the words that belong to it; InputError for what is no picture or too large."""

    title: str
    alt: str
    footnote: str
    png: bytes

    def __post_init__(self) -> None:
        if not self.png.startswith(PNG):
            raise InputError("picture", f"{len(self.png)} bytes", "is no PNG", "add the chart again")
        if len(self.png) > MAX_BYTES:
            rule = f"is larger than {MAX_BYTES / 1e6:g} MB"
            raise InputError("picture", f"{len(self.png)} bytes", rule, "save the chart as PNG")


def added(pictures: tuple[Picture, ...], new: Picture) -> tuple[Picture, ...]:
    """Return the pictures with a new one, in place of one of the same title; the last few are kept."""
    return (*(each for each in pictures if each.title != new.title), new)[-MOST:]
