"""The boundary of every command: one line for whatever a user gives it, and sane ranges."""

import errno
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import get_type_hints

import pytest
import typer
from annotated_types import Ge, Gt, Le, Lt

import llmplan.cli
from llmplan.catalog import Catalog
from llmplan.cli import COMMANDS, commands_in, main
from llmplan.cli.boundary import one_line
from llmplan.cli.compare import comparison_json, print_comparison
from llmplan.cli.output import print_json
from llmplan.errors import InputError
from llmplan.options import evaluate
from llmplan.scenario import Scenario

if sys.platform != "win32":
    import resource

SIZE = ("size", "llama-3.1-8b", "--gpu", "l4", "--precision", "bf16")
MEASURED = "model_id,precision,gpu_id,engine_id,input_tokens,output_tokens\n"
IMPORT = ("--model", "llama-3.1-8b", "--gpu", "l4", "--precision", "bf16")


def said(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[object, str]:
    """Run a command as the shell does; return its exit code and what it said of a mistake."""
    monkeypatch.setattr(sys, "argv", ["llmplan", *words])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("search", "llama-3.1-8b", "--output-tokens", "0"),
        (*SIZE, "--n-gpus", "9" * 50),
        (*SIZE, "--n-gpus", "0"),
        (*SIZE, "--ttft-limit-ms", "1e308"),
        (*SIZE, "--tpot-limit-ms", "-1"),
        (*SIZE, "--input-tokens", "nan"),
        (*SIZE, "--concurrency", "inf"),
        ("route-eval", "x.csv", "--seed", "-1"),
        ("route", "--router-usd-per-query", "1e300"),
        ("plan", "--months", "10000"),
        ("compare", "--queries-per-day", "0"),
    ],
)
def test_numbers_out_of_range_are_refused(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = said(words, monkeypatch, capsys)
    assert code == 2 and "Traceback" not in told
    assert told.startswith("llmplan: ") and told.count("\n") == 1
    assert words[-2].removeprefix("--").replace("-", "_") in told


def bad_files(folder: Path) -> dict[str, Path]:
    """Write files that are wrong in their bytes, their depth or their length."""
    contents = {
        "utf16.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n0,1,1\n".encode("utf-16"),
        "latin1.toml": 'name = "Café"\n'.encode("latin-1"),
        "deep.json": b"[" * 100_000,
        "deep.toml": f"{'a.' * 20_000}b = 1\n".encode(),
        "header.csv": (Path("data/measured_serving.csv").read_bytes().split(b"\n")[0] + b"\n"),
        "three.csv": b"TIMESTAMP,ContextTokens,GeneratedTokens\n0,10,10\n1,10,10\n2,10,10\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("compare", "--trace", "utf16.csv"), "UTF-8"),
        (("route-eval", "utf16.csv"), "UTF-8"),
        (("accuracy", "utf16.csv"), "UTF-8"),
        ((*SIZE, "--measured-csv", "utf16.csv"), "UTF-8"),
        (("import-benchmark", "utf16.csv", *IMPORT), "UTF-8"),
        (("compare", "--preset", "latin1.toml"), "UTF-8"),
        (("compare", "--preset", "deep.toml"), "dots"),
        (("import-benchmark", "deep.json", *IMPORT), "nested too deeply"),
        (("accuracy", "header.csv"), "no row"),
        (("compare", "--trace", "three.csv"), "requests"),
        (("compare", "--preset", "p" * 300 + ".toml"), "too long"),
        (("route-eval", "p" * 300), "too long"),
        (("import-benchmark", "p" * 300, *IMPORT), "too long"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(
    words: tuple[str, ...],
    rule: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = bad_files(tmp_path)
    code, told = said(tuple(str(files.get(word, word)) for word in words), monkeypatch, capsys)
    assert code == 2 and rule in told and told.startswith("llmplan: ")
    assert told.count("\n") <= 2 and len(told) < 600


@pytest.mark.parametrize(
    ("problem", "code", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/out/deck.pptx"), 2, "No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "x" * 500), 2, "Permission denied"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), 2, "UTF-8"),
        (RecursionError(), 2, "nested too deeply"),
        (MemoryError(), 2, "too large"),
        (ZeroDivisionError("division by zero"), 1, "a fault of llmplan's"),
    ],
)
def test_whatever_is_raised_is_one_line(
    problem: Exception, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, one_line():
        raise problem
    told = capsys.readouterr().err
    assert ended.value.code == code and text in told and told.count("\n") == 1 and len(told) < 300


def test_faults_of_ours_are_shown_whole_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMPLAN_DEBUG", "1")
    with pytest.raises(ZeroDivisionError), one_line():
        raise ZeroDivisionError


def test_every_command_is_found_in_its_module() -> None:
    room = Path(llmplan.cli.__file__).parent
    modules = {file.stem for file in room.glob("*.py") if "\ndef register(" in file.read_text("utf-8")}
    assert modules == set(COMMANDS.values())
    for module in modules:
        group = typer.main.get_group(commands_in(module))
        assert set(group.commands) == {name for name, where in COMMANDS.items() if where == module}


def test_a_call_loads_its_own_module_only() -> None:
    code = "import sys; from llmplan.cli import app; from typer.testing import CliRunner; "
    code += "CliRunner().invoke(app, ['lab', '--help']); print(*[m for m in sys.modules if 'llmplan.' in m])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) == {
        f"llmplan.{room}" for room in ("cli", "cli.boundary", "cli.serve", "errors")
    }


def test_every_number_of_every_command_has_a_range() -> None:
    checked = 0
    for command in chain(*(commands_in(module).registered_commands for module in set(COMMANDS.values()))):
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            kinds = {getattr(hint, "__origin__", hint)} | set(
                getattr(getattr(hint, "__origin__", hint), "__args__", ())
            )
            if kinds & {int, float}:
                with pytest.raises(InputError, match=name):
                    command.callback(**{name: math.nan})
                checked += 1
    assert checked > 100


def at_the_edges() -> list[tuple[str, float]]:
    """Return every number of a scenario at the ends of its range."""
    edges = []
    for name, field in Scenario.model_fields.items():
        for limit in field.metadata:
            match limit:
                case Ge(ge=value) | Le(le=value):
                    edges.append((name, float(value)))
                case Gt(gt=value) | Lt(lt=value):
                    edges.append((name, float(value) + (1e-9 if isinstance(limit, Gt) else -1e-9)))
    return edges


def no_constant(text: str) -> float:
    raise AssertionError(f"{text} in a JSON document")


def test_no_figure_is_endless_or_unknown_at_the_edge_of_any_range(
    catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    few = Scenario(
        model_ids=("llama-3.1-8b",),
        gpu_ids=("l4", "h100-sxm"),
        engine_ids=("vllm", "ollama"),
        api_ids=("gpt-4o", "gpt-4o-mini"),
    )
    edges = at_the_edges()
    assert len(edges) > 40
    for name, value in edges:
        try:
            found = evaluate(few.but(**{name: value}), catalog)
        except InputError as problem:
            assert problem.field == name
            continue
        print_comparison(found, 15)
        assert not re.search(r"\b(inf|nan|None)\b", capsys.readouterr().out), (name, value)
        print_json(comparison_json(found), indented=False)
        json.loads(capsys.readouterr().out, parse_constant=no_constant)


def test_only_commands_that_end_soon_do_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = list[str]()
    monkeypatch.setattr(llmplan.cli, "app", lambda: None)
    monkeypatch.setattr(llmplan.cli, "_hurry", lambda: hurried.append(sys.argv[1]))
    for command in COMMANDS:
        monkeypatch.setattr(sys, "argv", ["llmplan", command])
        main()
    assert set(COMMANDS) - set(hurried) == {"dashboard", "publish", "lab"}


def test_a_command_has_one_thread_for_matrices_unless_told_otherwise() -> None:
    code = """
import atexit, os, sys, llmplan.cli
atexit.register(lambda: print(os.environ["OPENBLAS_NUM_THREADS"], "numpy" in sys.modules))
assert "numpy" not in sys.modules
sys.argv = ["llmplan", "compare", "--top", "x"]
llmplan.cli.main()
"""
    for given, threads in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")):
        bare = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
        done = subprocess.run([sys.executable, "-c", code], env=bare | given, capture_output=True, text=True)
        assert done.stdout.split() == [threads, "True"], done.stderr


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let no file grow beyond some bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.usefixtures("no_flips")
@pytest.mark.parametrize("name", ["book.xlsx", "table.csv"])
def test_a_full_disk_leaves_what_was_there_as_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / name
    place.write_text("what stood there")
    few = ("--model-ids", "llama-3.1-8b", "--gpu-ids", "l4", "--engine-ids", "vllm", "--api-ids", "gpt-4o")
    with no_file_above(500):
        code, told = said(
            ("export", "--format", place.suffix[1:], "--out", str(place), *few), monkeypatch, capsys
        )
    assert code == 2 and told.startswith("llmplan: ") and told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert place.read_text() == "what stood there"
