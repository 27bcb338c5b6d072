"""Money is an integer count of nano-dollars (10^-9 USD); no float ever touches it."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

NANO_PER_USD = 1_000_000_000


def usd_to_nano(usd: Decimal | int | float | str) -> int:
    """Dollars to nano-dollars, rounded half up. A float is read by its shortest decimal form.

    Raises ValueError when `usd` is not a finite number.
    """
    try:
        amount = usd if isinstance(usd, Decimal) else Decimal(str(usd))
        return int((amount * NANO_PER_USD).to_integral_value(rounding=ROUND_HALF_UP))
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError(f"not an amount of dollars: {usd!r}") from error


def nano_to_usd(nano: int) -> str:
    """Nano-dollars as an exact decimal string of dollars: 1_500_000_000 → "1.5", 12 → "0.000000012"."""
    sign, nano = ("-", -nano) if nano < 0 else ("", nano)
    whole, fraction = divmod(nano, NANO_PER_USD)
    digits = f"{fraction:09d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
