"""The dashboard as static files: every preset and page as it stands, for any web server or bucket."""

from __future__ import annotations

import asyncio
import gzip
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl, urlencode

from llmplan.app.server.assets import STATIC_DIR, content_hash
from llmplan.app.server.forks import Forks, Unavailable
from llmplan.app.server.http import page_templates
from llmplan.app.server.snapshots import MOST_ARRAYS, MOST_BYTES, Snapshot, taken
from llmplan.app.server.wire import decode
from llmplan.errors import InputError, LlmplanError

FIRST = "index.html"
MARK = "llmplan-published"
"""A file in every published folder, by which a later run knows that it may replace it."""
ANSWER = re.compile(r'<p class="lp-answer">(.*?)</p>', re.DOTALL)
TRIES, PAUSE_SECONDS = 60, 5.0


@dataclass(frozen=True)
class Published:
    """What was written: the folder, and each preset's page with its answer in words."""

    folder: Path
    pages: tuple[tuple[str, str, str], ...]
    files: int
    bytes: int


def publish(notebook: Path, out: Path, presets: Sequence[str] = (), live: str | None = None) -> Published:
    """Write the dashboard into a folder, whole or not at all.

    Parameters
    ----------
    out: a folder that is new, empty, or holds an earlier run's files, which are replaced.
    presets: those to write; none: all that the dashboard offers.
    live: the address of a server of the same dashboard; where a reader touches a control, a link leads there.

    Raises
    ------
    InputError: the folder holds something else, or a preset is not one of the dashboard's.
    LlmplanError: a page cannot be made.
    """
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / MARK).is_file())):
        raise InputError("--out", out.name, "holds something else", "give a new or an empty folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".llmplan-", dir=out.parent) as made:
        stage = Path(made) / "site"
        stage.mkdir()
        pages = asyncio.run(_write(notebook, stage, presets, live))
        if out.exists():
            shutil.rmtree(out)
        stage.replace(out)
    written = [path for path in out.rglob("*") if path.is_file()]
    return Published(out, pages, len(written), sum(path.stat().st_size for path in written))


async def _write(
    notebook: Path, folder: Path, presets: Sequence[str], live: str | None
) -> tuple[tuple[str, str, str], ...]:
    forks = Forks(notebook)
    forks.start()
    try:
        near = [dict(parse_qsl(link)) for link in (await _whole(forks, "")).near]
        offered = [link["preset"] for link in near if "preset" in link]
        unknown = next((name for name in presets if name not in offered), None)
        if unknown is not None:
            raise InputError(
                "--preset", unknown, "is not one of the dashboard's", f"use {', '.join(offered)}"
            )
        shown = [{"preset": name} for name in offered if not presets or name in presets]
        turns = [{}, *({"page": link["page"]} for link in near if "page" in link)]
        (folder / "data").mkdir()
        files: dict[str, str] = {}
        pages = []
        for link in shown or [{}]:
            for turn in turns:
                snapshot = await _whole(forks, urlencode(link | turn))
                name = "-".join((link | turn).values()) or "first"
                files[urlencode(sorted((link | turn).items()))] = f"data/{name}.bin"
                _write_snapshot(folder / "data" / f"{name}.bin", snapshot)
                if not turn:
                    pages.append(
                        (next(iter(link.values()), "dashboard"), f"data/{name}.bin", _answer(snapshot))
                    )
    finally:
        await forks.close()
    _write_pages(folder, pages, files, live)
    return tuple((name, f"{name}.html", answer) for name, _, answer in pages)


async def _whole(forks: Forks, link: str) -> Snapshot:
    """Return a link's finished snapshot; the process that makes them may still be getting ready."""
    for tries in range(TRIES):
        try:
            return await taken(forks, link, whole=True)
        except Unavailable as problem:
            if tries == TRIES - 1:
                raise LlmplanError(f"the page {link or 'at the start'} cannot be made: {problem}") from None
            await asyncio.sleep(PAUSE_SECONDS * (not forks.ready))
    raise AssertionError


def _write_snapshot(path: Path, snapshot: Snapshot) -> None:
    path.write_bytes(gzip.decompress(snapshot.page))
    path.with_name(f"{path.name}.tables").write_bytes(gzip.decompress(snapshot.tables))


def _answer(snapshot: Snapshot) -> str:
    """Return the answer that a page gives in words; empty where it has none."""
    message = decode(gzip.decompress(snapshot.page), MOST_ARRAYS, MOST_BYTES)
    texts = [str(found["state"].get("html", "")) for found in message.content["states"].values()]
    answers = [found[1] for text in texts if (found := ANSWER.search(text))]
    return unescape(re.sub(r"<[^>]+>", "", answers[0])).strip() if answers else ""


def _write_pages(
    folder: Path, pages: Sequence[tuple[str, str, str]], files: dict[str, str], live: str | None
) -> None:
    static = folder / "static"
    shutil.copytree(STATIC_DIR, static)
    templates = page_templates()
    for name, first, _ in pages:
        config = {"baseUrl": "./", "snapshot": first, "files": files, "live": live}
        html = templates.get_template("frame.html.j2").render(
            config=config,
            title="llmplan",
            static_url=lambda file: f"static/{file}?v={content_hash(STATIC_DIR / file)[:16]}",
        )
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    listed = templates.get_template("published.html.j2").render(pages=pages, live=live)
    (folder / FIRST).write_text(listed, encoding="utf-8")
    (folder / MARK).write_text("Made by llmplan publish, which may replace this folder.\n", encoding="utf-8")
