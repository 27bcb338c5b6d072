"""Tables for people, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="JSON, for scripts.")
limit_option = click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="The most to show.")


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON has it: times (`…_at`, UTC seconds) in RFC 3339."""
    return {key: _rfc3339(value) if key.endswith("_at") else value for key, value in record.items()}


def _rfc3339(value: Any) -> Any:
    if not isinstance(value, int | float):
        return value
    return datetime.fromtimestamp(value, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def show_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, nothing: str) -> None:
    """All of each row as a JSON list, or its `columns` as a table; `nothing` is said where there are none."""
    found = [plain(row) for row in rows]
    if as_json:
        show_json(found)
    elif found:
        show_table(columns, [[_cell(row.get(column)) for column in columns] for row in found])
    else:
        click.echo(nothing, err=True)


def show_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(plain(record))
    else:
        show_table(("", ""), [[key, _cell(value)] for key, value in plain(record).items()], header=False)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, header: bool = True) -> None:
    """One line a row, however wide: an id that is cut off can't be copied."""
    lines = [[printable(cell) for cell in row] for row in rows]
    titles = [[column.replace("_", " ") for column in columns]] if header else []
    widths = [max(map(len, column)) for column in zip(*titles, *lines, strict=True)]
    for number, line in enumerate([*titles, *lines]):
        text = "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        click.echo(click.style(text, bold=True) if header and number == 0 else text)


def printable(text: str) -> str:
    """`text` without what steers a terminal: names and models are what others called them."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return _local_second(value)
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _local_second(value: str) -> str:
    """A time of ours, to the second in the local zone; any other text as it is."""
    if not (len(value) == 27 and value.endswith("Z") and value[10] == "T"):
        return value
    return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
