"""`make clients`: runs every client against the gateway, prints what worked, and writes it to `docs/clients.md`.

Exits with 1 where a cell is not what it should be.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from sallyport.standin import StandIn
from tests.clients.bench import AT_ONCE, COLUMNS, REFUSALS, Bench, bench
from tests.clients.client import Client
from tests.clients.clients import CLIENTS
from tests.clients.page import PAGE, fill, lines, notes, table
from tests.clients.programs import Missing

Cells = list[str]
_MATRIX = ("client", "way in", *COLUMNS)
_REFUSALS = ("client", "answered", *(refused.name for refused in REFUSALS))
_WAYS = {"proxy": "proxy", "base_url": "base URL"}
_WRONG = "NO"


def main() -> int:
    """Measures, prints, writes; the exit status."""
    started = time.monotonic()
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="sallyport-clients-"))
        clients = stack.enter_context(bench(Path(directory), stack.enter_context(StandIn())))
        matrix = list(_told(_matrix(clients), _MATRIX))
        fill("matrix", table(_MATRIX, matrix) + "\n" + notes())
        refusals = list(_told(_refusals(clients), _REFUSALS))
        fill("refusals", table(_REFUSALS, refusals))
    fill("lines", lines())
    _say(f"wrote {PAGE} after {time.monotonic() - started:.0f} s")
    return 1 if any(_WRONG in cell for row in (*matrix, *refusals) for cell in row) else 0


def _matrix(clients: Bench) -> Iterator[Cells]:
    for client in CLIENTS:
        for way_in in client.ways:
            try:
                found = clients.measure(client, way_in).found
            except Missing as missing:
                yield [client.name, _WAYS[way_in], str(missing), *[""] * (len(COLUMNS) - 1)]
                continue
            for column, wrong in found.items():
                if wrong:
                    _say(f"{client.name}, {way_in}, {column}: {wrong}")
            yield [client.name, _WAYS[way_in], *(_WRONG if found[column] else "yes" for column in COLUMNS)]


def _refusals(clients: Bench) -> Iterator[Cells]:
    for client in CLIENTS:
        way_in = client.ways[0]
        try:
            plain = clients.ask(client, way_in)[0].seconds
            yield [client.name, f"{plain:.1f} s", *(_refusal(clients, client, way_in, name) for name in range(len(REFUSALS)))]
        except Missing:
            continue


def _refusal(clients: Bench, client: Client, way_in: str, number: int) -> str:
    """`status · requests · seconds`."""
    refusal = clients.refuse(client, way_in, REFUSALS[number])
    well = refusal.shown and refusal.few and refusal.outcome.seconds < AT_ONCE
    return f"{'' if well else _WRONG + ' '}{refusal.status} · {refusal.requests} · {refusal.outcome.seconds:.1f} s"


def _told(rows: Iterator[Cells], head: tuple[str, ...]) -> Iterator[Cells]:
    """Shows the rows as they come."""
    _say(" | ".join(head))
    for row in rows:
        _say(" | ".join(row))
        yield row


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
