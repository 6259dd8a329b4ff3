"""Colours of kinds of options, told apart by people with any colour vision (Okabe and Ito 2008, Tol 2021)."""

ACCENTS = ("0072B2", "D55E00", "009E73", "AA4499", "666666", "56B4E9")
"""A theme's six accents, RGB: API, hosted open model, self-hosted, hybrid, then two neutral ones."""
KIND_COLOURS = {"api": ACCENTS[0], "hosted": ACCENTS[1], "self_hosted": ACCENTS[2], "hybrid": ACCENTS[3]}
