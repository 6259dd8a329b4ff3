"""The colours of pages, pictures and files, by the name of their token.

Series are told apart with any colour vision: the set of Okabe and Ito (2008), darkened or lightened for contrast with
the card they stand on. The style sheet of the dashboard holds the same values (tested); HTML report, slides, workbooks
and figures for analysts take them from here.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "bg": "#f6f7f9",
    "card": "#ffffff",
    "ink": "#16202c",
    "muted": "#4d5a68",
    "line": "#ccd3db",
    "grid": "#e6e9ee",
    "accent": "#00588f",
    "good": "#00684a",
    "bad": "#a3240f",
    "series-1": "#0072b2",
    "series-2": "#d55e00",
    "series-3": "#009e73",
    "series-4": "#a8487c",
    "series-5": "#b07d00",
    "series-6": "#3a8fc4",
    "series-7": "#6b6f00",
    "series-8": "#444444",
}
DARK: Final = {
    "bg": "#12171d",
    "card": "#1b222b",
    "ink": "#e9eef4",
    "muted": "#b0bcc9",
    "line": "#3c4855",
    "grid": "#2b343f",
    "accent": "#7cc4f5",
    "good": "#5fd3a7",
    "bad": "#ff9a86",
    "series-1": "#56b4e9",
    "series-2": "#ff8a3d",
    "series-3": "#2fcf9e",
    "series-4": "#e08cb8",
    "series-5": "#e6b422",
    "series-6": "#9fd3f5",
    "series-7": "#f0e442",
    "series-8": "#c9d1da",
}


def light(token: str) -> str:
    """Return the light colour, #rrggbb, of a token: @ink, or a series @1 to @8."""
    name = token.removeprefix("@")
    return LIGHT[f"series-{name}" if name.isdigit() else name]


def style_sheet() -> str:
    """Return the colours as custom properties of a page, dark where the reader's system is."""
    light_ones, dark_ones = (
        "".join(f"--lp-{name}:{colour};" for name, colour in colours.items()) for colours in (LIGHT, DARK)
    )
    return f":root{{{light_ones}}}@media (prefers-color-scheme:dark){{:root{{{dark_ones}}}}}"
