"""Small readers for JSON that someone else wrote: they never raise, whatever stands where a number or an object should."""

from __future__ import annotations

import contextlib
import math
from typing import Any, cast

import orjson

from sallyport.providers.base import MOST_OUTPUT_TOKENS, JsonObject


def decode(data: bytes | bytearray) -> Any:
    """The JSON document in `data`, or None when it is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def obj(value: Any, *path: str) -> JsonObject:
    """The object at `path` in `value`; empty where there is none."""
    for key in path:
        value = cast(JsonObject, value).get(key) if isinstance(value, dict) else None
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def objects(value: Any) -> list[JsonObject]:
    """The objects in a list; empty where `value` is none."""
    return (
        [cast(JsonObject, entry) for entry in cast(list[Any], value) if isinstance(entry, dict)]
        if isinstance(value, list)
        else []
    )


def strings(value: Any) -> list[str]:
    """The strings in a list; empty where `value` is none."""
    return [entry for entry in cast(list[Any], value) if isinstance(entry, str)] if isinstance(value, list) else []


def count(value: JsonObject, key: str) -> int:
    """The non-negative integer at `key`, else 0."""
    number = value.get(key)
    return number if type(number) is int and number > 0 else 0


def text(value: JsonObject, key: str) -> str | None:
    """The string at `key`, or None."""
    entry = value.get(key)
    return entry if isinstance(entry, str) else None


def asked(value: JsonObject, *keys: str) -> int:
    """The largest number under `keys`, rounded up, 0 where there is none; also one given as a string, which some vendors take."""
    largest = 0
    for key in keys:
        number = value.get(key)
        with contextlib.suppress(ValueError, OverflowError):
            if isinstance(number, int | float | str):
                largest = max(largest, math.ceil(float(number)))
    return largest


def cap(value: JsonObject, *keys: str) -> int | None:
    """The largest non-negative integer under `keys`: which of them the vendor follows where two are given, nobody knows."""
    numbers = [number for key in keys if type(number := value.get(key)) is int and number >= 0]
    return max(numbers, default=None)


def total_cap(tokens: int | None, answers: int) -> int | None:
    """The output cap of a request for so many answers; None where there is one, without a cap of its own."""
    if tokens is None and answers <= 1:
        return None
    return (MOST_OUTPUT_TOKENS if tokens is None else tokens) * max(answers, 1)


def generated_chars(node: Any, keys: frozenset[str], data_keys: frozenset[str] = frozenset()) -> int:
    """Characters of the strings that stand under `keys` anywhere in `node`.

    An object under `data_keys` (tool arguments) counts as the JSON it is.
    """
    total = 0
    waiting: list[Any] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, list):
            waiting.extend(cast(list[Any], current))
        elif isinstance(current, dict):
            for key, value in cast(JsonObject, current).items():
                if isinstance(value, str):
                    total += len(value) if key in keys or key in data_keys else 0
                elif key in data_keys and isinstance(value, dict | list):
                    total += len(orjson.dumps(value))
                else:
                    waiting.append(value)
    return total
