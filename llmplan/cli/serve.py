"""`llmplan dashboard`, `llmplan publish` and `llmplan lab`: the doors to the workbook."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from llmplan.errors import InputError

START_PAGE = "00_start.ipynb"


def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to serve on")] = 8866,
    host: Annotated[
        str, typer.Option(help="address to listen on; the default is this machine only")
    ] = "localhost",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="open a browser")] = True,
    token: Annotated[
        str | None, typer.Option(help="ask visitors for this token (?token=...)", envvar="LLMPLAN_TOKEN")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="a name that this server may be called by; may be repeated", envvar="LLMPLAN_ALLOW_HOST"
        ),
    ] = None,
    notebook: Annotated[Path | None, typer.Option(help="another notebook to serve", hidden=True)] = None,
) -> None:
    """Serve the executive dashboard until interrupted."""
    from llmplan.app.server.server import serve
    from llmplan.catalog import notebooks_dir

    serve(notebook or notebooks_dir() / "dashboard.ipynb", port, host, browser, token, allow_host or ())


def publish(
    out: Annotated[Path, typer.Option(help="folder to write: new, empty, or an earlier run's")],
    preset: Annotated[list[str] | None, typer.Option(help="only this preset; may be repeated")] = None,
    live: Annotated[str | None, typer.Option(help="address of a server where readers can calculate")] = None,
    notebook: Annotated[Path | None, typer.Option(help="another notebook to publish", hidden=True)] = None,
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
) -> None:
    """Write the dashboard as static files, for any web server or bucket: every preset, every page."""
    from llmplan.app.server.publish import publish as write
    from llmplan.catalog import notebooks_dir
    from llmplan.cli.output import print_json

    if live is not None and not live.startswith(("http://", "https://")):
        raise InputError("--live", live, "is no address", "write https://host/")
    done = write(notebook or notebooks_dir() / "dashboard.ipynb", out, preset or (), live)
    if json:
        pages = [{"preset": name, "page": page, "answer": answer} for name, page, answer in done.pages]
        print_json({"folder": str(out), "files": done.files, "bytes": done.bytes, "pages": pages})
    else:
        typer.echo(f"{out}: {len(done.pages)} presets, {done.files} files, {done.bytes / 1e6:.1f} MB")


def lab(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to serve on")] = 8888,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="open a browser")] = True,
) -> None:
    """Open JupyterLab on the notebooks."""
    from llmplan.catalog import notebooks_dir

    folder = notebooks_dir()
    if not folder.is_dir():
        raise InputError("notebooks", folder.name, "are not there", "run from the project or install llmplan")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", f"--port={port}"]
    if (folder / START_PAGE).is_file():
        command.append(f"--LabApp.default_url=/lab/tree/{START_PAGE}")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container root is all there is; JupyterLab keeps its token
    raise SystemExit(subprocess.call(command))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(dashboard)
    app.command()(publish)
    app.command()(lab)
