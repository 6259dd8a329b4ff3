"""Kinds of columns: what a cell may hold, and which column names a row of another table."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _plain_number(value: object) -> object:
    """Refuse 1_000, which Python reads as a number and a spreadsheet does not."""
    if isinstance(value, str) and "_" in value:
        raise PydanticCustomError("float_parsing", "is not a number")
    return value


def _iso_date(value: object) -> object:
    """Refuse what is not YYYY-MM-DD: a bare number would be read as seconds since 1970."""
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        raise PydanticCustomError("date_parsing", "is not a date")
    return value


_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_Plain = BeforeValidator(_plain_number)
Date = Annotated[dt.date, BeforeValidator(_iso_date)]
Id = Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9._:/+-]*$")]


class Ref:
    """Marks a column that names a row of one of some tables."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables


SourceId = Annotated[Id, Ref("sources")]
ModelId = Annotated[Id, Ref("models")]
AnyModelId = Annotated[Id, Ref("models", "other_models")]
GpuId = Annotated[Id, Ref("gpus")]
PrecisionId = Annotated[Id, Ref("precisions")]
BenchmarkId = Annotated[Id, Ref("benchmarks")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), _Plain]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), _Plain]
PositiveInt = Annotated[int, Field(gt=0), _Plain]
Count = Annotated[int, Field(ge=0), _Plain]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), _Plain]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), _Plain]
Finite = Annotated[float, Field(allow_inf_nan=False), _Plain]
Loss = Annotated[float, Field(ge=-5, le=100, allow_inf_nan=False), _Plain]
Architecture = Literal["volta", "turing", "ampere", "ada", "hopper", "blackwell", "cdna2", "cdna3", "cdna4"]


class Record(BaseModel):
    """A row of a table. Empty cells are None where the field allows it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


class Sourced(Record):
    """A row that says where it comes from and as of when."""

    source_id: SourceId
    as_of: Date


class Noted(Sourced):
    """A row that may say more in words."""

    note: str | None = None
