"""What the words of the field mean, shown on hover where they stand."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

MEANINGS = {
    "tokens?": "A piece of a word, three quarters of one on average: what models read, write and are billed by.",
    "first (?:word|token)": "The wait from sending a query until the first piece of the visible answer arrives.",
    "quality floor|floor": "The least quality that an option must reach, as a share of today's.",
    "quality": "The share of such tasks done well, over what the model that runs today does well.",
    "confidence": "The share of the cases, inputs drawn from their ranges, in which the answer stays right.",
    "self-hosted|self-hosting": "An open-weight model on GPUs that you rent or own, and run.",
    "hosted open model": "An open-weight model that a provider runs: you pay by the token.",
    "routed": "Easy queries go to a model on your own GPUs, hard ones to an API.",
    "replicas?": "One running copy of a model, on one GPU or several; a fleet is as many copies as the peak needs.",
    "KV cache": "Memory that a model keeps for each running query; it limits how many run at once.",
    "percentile": "The 90th percentile: the value that 90 of 100 cases stay below.",
    "break-even": "The volume at which two ways cost the same.",
    "spot": "Spare GPUs at a lower price that the provider may take back at any time.",
    "thinking": "Tokens that a model spends on reasoning before it answers; they are billed too.",
    "payback": "When what a move has saved exceeds what it has cost.",
}
_WORD = re.compile(rf"\b(?:{'|'.join(f'({words})' for words in MEANINGS)})\b", re.IGNORECASE)
_TEXTS = tuple(MEANINGS.values())


def explained(text: str | Markup) -> Markup:
    """Return a text with its words of the field explained on hover, each once; `Markup` stays as it is."""
    if isinstance(text, Markup):
        return text
    told: set[int] = set()

    def explain(found: re.Match[str]) -> str:
        place = found.lastindex or 0
        if place in told:
            return found[0]
        told.add(place)
        return str(Markup('<abbr title="{}">{}</abbr>').format(_TEXTS[place - 1], Markup(found[0])))

    return Markup(_WORD.sub(explain, str(escape(text))))
