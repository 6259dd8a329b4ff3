"""How spreadsheets and charts write sums in a currency, short or to the cent."""

from __future__ import annotations

from llmplan.wording import Currency

VOLUME = '[>=1000000]0,,"M";[>=1000]0,"k";0'


def cents(money: Currency) -> str:
    """€1,234.50"""
    return f"{_sign(money)}#,##0.00"


def whole(money: Currency) -> str:
    """€1,235"""
    return f"{_sign(money)}#,##0"


def price(money: Currency) -> str:
    """€0.0600, and up to eight places where they are needed."""
    return f"{_sign(money)}#,##0.0000####"


def short(money: Currency) -> str:
    """€1.35M, €22.5k, €950: for labels."""
    sign = _sign(money)
    return f'[>=1000000]{sign}0.00,,"M";[>=10000]{sign}0.0,"k";{sign}#,##0'


def ticks(money: Currency, least: float) -> str:
    """€1M, €10k, €100 on an axis of powers of ten; below 1 the tens and hundredths show."""
    sign = _sign(money)
    if least < 1:
        return f"[>=1000]{sign}#,##0;[>=1]{sign}0;{sign}0.00##"
    return f'[>=1000000]{sign}#,##0,,"M";[>=1000]{sign}#,##0,"k";{sign}0'


def _sign(money: Currency) -> str:
    return f'"{money.symbol}"'
