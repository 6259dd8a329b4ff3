"""Which task an app does, guessed from its name and the shape of its tokens. (12.12)"""

from __future__ import annotations

import re

from llmplan.catalog import Catalog
from llmplan.quality.tables import rows

SIDES = (("least_input", "most_input"), ("least_output", "most_output"))


def guessed_task(
    name: str, input_tokens: float, output_tokens: float, catalog: Catalog
) -> tuple[str, str] | None:
    """Return an app's task and by what it was guessed, the first row of data/task_shapes.csv that fits; None: by none.

    A word of the name wins over the shape, the mean tokens of a request.
    """
    shapes = list(rows(catalog, "task_shapes.csv"))
    words = re.findall("[a-z]+", name.lower())
    for row in shapes:
        if any(word.startswith(start) for word in words for start in row["words"].split()):
            return row["task_id"], "its name"
    for row in shapes:
        bounds = [[row[bound] for bound in side] for side in SIDES]
        if all(least and most for least, most in bounds) and all(
            float(least) <= tokens <= float(most)
            for (least, most), tokens in zip(bounds, (input_tokens, output_tokens), strict=True)
        ):
            return row["task_id"], "the shape of its tokens"
    return None
