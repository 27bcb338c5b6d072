"""What the table `[redaction_rules.CATEGORY]` of the config file may say."""

from __future__ import annotations

import random
import re
import string
import time
from typing import Any, Literal

import re2
from pydantic import BaseModel, ConfigDict, Field, field_validator

CATEGORY = re.compile(r"[A-Z][A-Z_]{0,63}")
_RE2: Any = re2  # has no types
_SLOWEST = 300_000
"""Characters per second on the sample."""


def _sample() -> str:
    """Half code, half noise, which no automaton has seen before."""
    noise = random.Random(1)  # noqa: S311 - the same each time
    lines = ("".join(noise.choices(string.printable, k=100)) for _ in range(100))
    return "".join(f"def total(order): return sum(line.price for line in order)  # id=4711-AB\n{line}\n" for line in lines)


_SAMPLE = _sample()


class RuleDeclaration(BaseModel):
    """One rule. Its category, which placeholders bear, stands outside: it is the table's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regex: str
    """In RE2's syntax. What is taken out is its group `value`, or all of it."""
    keywords: tuple[str, ...] = Field(default=(), max_length=50)
    """One of these, in any case, must stand near it. None: it needs none."""
    validator: Literal["luhn", "iban", "entropy"] | None = None
    """Has the last word: a check digit (cards), check digits (bank accounts), or at least 3.5 bits a character."""

    @field_validator("regex")
    @classmethod
    def _check(cls, value: str) -> str:
        pattern = compiled(value)
        if pattern.search("") is not None:
            raise ValueError("matches an empty text; let it need a character at least")
        began = time.thread_time()
        sum(1 for _ in pattern.finditer(_SAMPLE))
        rate = len(_SAMPLE) / max(time.thread_time() - began, 1e-6)
        if rate < _SLOWEST:
            raise ValueError(f"is too slow ({rate:,.0f} characters a second); use fewer and shorter repeats, and no leading .*")
        return value


def compiled(regex: str) -> Any:
    """Raises ValueError with what is wrong."""
    options = _RE2.Options()
    options.log_errors = False
    try:
        return _RE2.compile(regex, options)
    except _RE2.error as error:
        said = error.args[0]
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"is not a regular expression that RE2 takes (no look-around, no back-references): {reason}") from None
