"""`llmplan claims`: the source article, checked."""

from __future__ import annotations

from typing import Annotated

import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Data, Json, catalog_from


def claims(
    data: Data = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/article_check.md.")] = False,
    json: Json = False,
) -> None:
    """Check every figure of the source article against catalog and math."""
    from llmplan.claims import check_claims
    from llmplan.claims.document import MARKS, article_check_markdown

    checked = check_claims(catalog_from(data))
    if json:
        print_json([item.to_dict() for item in checked])
    elif markdown:
        typer.echo(article_check_markdown(checked), nl=False)
    else:
        rows = [
            (f"{MARKS[c.verdict]} {c.verdict}", c.claim.claim, c.claimed, c.computed, c.why) for c in checked
        ]
        print_table("The article, checked", ("verdict", "claim", "claimed", "computed", "why"), rows)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(claims)
