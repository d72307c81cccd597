"""Prices are whole millionths of a US dollar: networks bill by fractions of a cent, and sums must come out."""

from __future__ import annotations

#: Millionths of a US dollar in a dollar.
DOLLAR = 1_000_000


def dollars(price: int) -> str:
    """Such as "0.20 USD"; fractions of a cent only where there are any."""
    whole_cents = price * 100 % DOLLAR == 0
    return f"{price / DOLLAR:.2f} USD" if whole_cents else f"{price / DOLLAR:.3f} USD"
