"""Where cubes are computed: DuckDB in this process by default, or a Spark that is already there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmplan.errors import InputError

if TYPE_CHECKING:
    from ibis import BaseBackend

MEMORY = "1GB"
"""DuckDB's memory limit unless another is asked for; what exceeds it goes to the folder for temporary files."""


def duckdb(memory: str = MEMORY, temp: Path | None = None) -> BaseBackend:
    """Return an engine in this process.

    Parameters
    ----------
    memory: limit such as 800MB or 4GB.
    temp: folder for what does not fit; None: the system's.
    """
    import duckdb as engine
    import ibis

    place = str(temp or Path(tempfile.gettempdir()) / "llmplan-usage")
    try:
        # Order on disk is of no account to sums, and keeping it would cost memory.
        return ibis.duckdb.connect(memory_limit=memory, temp_directory=place, preserve_insertion_order=False)
    except engine.Error:
        raise InputError(
            "--memory", memory, "is not an amount of memory", "write for example 800MB or 4GB"
        ) from None


def spark(address: str | Any) -> BaseBackend:
    """Return an engine over a running Spark: a Spark Connect address (sc://host:port) or a session.

    llmplan starts no cluster. The session's time zone is set to UTC, so that hours are those of the rows.
    """
    try:
        import ibis
        from pyspark.sql import SparkSession
    except ImportError:
        fix = "pip install 'llmplan[spark]'"
        raise InputError("--spark", str(address), "needs the extra llmplan[spark]", fix) from None
    session = SparkSession.builder.remote(address).getOrCreate() if isinstance(address, str) else address
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return ibis.pyspark.connect(session)
