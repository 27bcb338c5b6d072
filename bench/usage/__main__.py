"""`python -m bench.usage`: what each provider's answers cost, ours beside the price worked out by hand, to the nano-dollar."""

from __future__ import annotations

import sys

import click
import orjson
from rich.console import Console
from rich.table import Table

from bench.usage.cases import cases


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def main(as_json: bool) -> None:
    """Print the table; exit with 1 where ours is not what is expected."""
    rows = [(case, case.charged()) for case in cases()]
    right = [(record.cost_nano, record.unpriced) == (case.expected_nano, case.unpriced) for case, record in rows]
    if as_json:
        entries = [
            {"provider": case.provider, "case": case.name, "nano": record.cost_nano, "expected_nano": case.expected_nano}
            for case, record in rows
        ]
        click.echo(orjson.dumps({"cases": entries, "right": sum(right)}))
    else:
        table = Table(title=f"nano-dollars: {sum(right)} of {len(rows)} as expected")
        for column in ("provider", "case", "ours", "expected", "by hand"):
            table.add_column(column, justify="right" if column in ("ours", "expected") else "left")
        for (case, record), good in zip(rows, right, strict=True):
            ours = f"{record.cost_nano:,}" + (" unpriced" if record.unpriced else "")
            table.add_row(case.provider, case.name, ours, f"{case.expected_nano:,}", case.by_hand, style=None if good else "red")
        Console().print(table)
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
