"""`python -m bench.usage`: what each provider's answers cost, ours beside the price worked out by hand, to the nano-dollar.

With `--grid`: which kinds of usage that covers, by provider and format.
"""

from __future__ import annotations

import sys

import click
import orjson
from rich.console import Console
from rich.table import Table

from bench.usage.cases import cases
from bench.usage.grid import KINDS, Grid, grid, holes


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.option("--grid", "show_grid", is_flag=True, help="What is covered, by provider, kind of usage and format.")
def main(as_json: bool, show_grid: bool) -> None:
    """Print the table; exit with 1 where ours is not what is expected, or nothing shows it."""
    rows = [(case, case.charged()) for case in cases()]
    covered = grid(rows)
    right = [(record.cost_nano, record.unpriced) == (case.expected_nano, case.unpriced) for case, record in rows]
    if as_json:
        entries = [
            {
                "provider": case.provider,
                "format": case.format,
                "case": case.name,
                "nano": record.cost_nano,
                "expected_nano": case.expected_nano,
            }
            for case, record in rows
        ]
        click.echo(orjson.dumps({"cases": entries, "right": sum(right), "holes": holes(covered)}))
    elif show_grid:
        _show(covered)
    else:
        table = Table(title=f"nano-dollars: {sum(right)} of {len(rows)} as expected")
        for column in ("provider", "format", "case", "ours", "expected", "by hand"):
            table.add_column(column, justify="right" if column in ("ours", "expected") else "left")
        for (case, record), good in zip(rows, right, strict=True):
            ours = f"{record.cost_nano:,}" + (" unpriced" if record.unpriced else "")
            table.add_row(
                case.provider,
                case.format,
                case.name,
                ours,
                f"{case.expected_nano:,}",
                case.by_hand,
                style=None if good else "red",
            )
        Console().print(table)
    sys.exit(0 if all(right) and not holes(covered) else 1)


def _show(covered: Grid) -> None:
    """A letter for each format: J whole, S server-sent events, E event stream, L lines."""
    table = Table(title=f"{len(holes(covered))} holes; J whole, S server-sent events, E event stream, L lines")
    for column in ("provider", *KINDS):
        table.add_column(column)
    for provider, kinds in covered.items():
        table.add_row(provider, *("".join(sorted(format[0].upper() for format in kinds.get(kind, ()))) for kind in KINDS))
    Console().print(table)
    for hole in holes(covered):
        click.echo(hole)


if __name__ == "__main__":
    main()
