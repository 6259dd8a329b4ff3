"""The only conversion factors of the project."""

from typing import Final

BYTES_PER_GB: Final = 1e9
"""Decimal gigabyte: what a datasheet or a model repository states."""
BYTES_PER_GIB: Final = float(1 << 30)
"""Binary gigabyte: what a program sees of a card's memory."""
GB_PER_GIB: Final = BYTES_PER_GIB / BYTES_PER_GB
FLOPS_PER_TFLOPS: Final = 1e12
PARAMS_PER_B: Final = 1e9
TOKENS_PER_MTOK: Final = 1e6
MS_PER_S: Final = 1e3
S_PER_MINUTE: Final = 60
S_PER_HOUR: Final = 3600
S_PER_DAY: Final = 86_400
HOURS_PER_DAY: Final = 24
DAYS_PER_WEEK: Final = 7
DAYS_PER_YEAR: Final = 365
MONTHS_PER_YEAR: Final = 12
W_PER_KW: Final = 1e3
BITS_PER_BYTE: Final = 8
UNIT_QUERIES: Final = 1_000
"""Unit costs are shown for a thousand queries: a single one costs too little to read."""
