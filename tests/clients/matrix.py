"""`make clients`: runs every client against the gateway, prints what worked, and writes it to `docs/clients.md`.

Exits with 1 where a cell is not what it should be.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from sallyport.standin import StandIn
from tests.clients.bench import AT_ONCE, COLUMNS, LOGIN_COLUMNS, REFUSALS, Bench, Row, bench
from tests.clients.client import Client
from tests.clients.clients import CLIENTS
from tests.clients.logins import LOGINS
from tests.clients.page import PAGE, fill, lines, notes, table
from tests.clients.programs import Missing

Cells = list[str]
_MATRIX = ("client", "way in", *COLUMNS)
_LOGINS = ("client", "way in", *LOGIN_COLUMNS)
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
        fill("matrix", table(_MATRIX, matrix) + "\n" + notes(CLIENTS))
        logins = list(_told(_logins(clients), _LOGINS))
        fill("logins", table(_LOGINS, logins) + "\n" + notes(login.client for login in LOGINS))
        refusals = list(_told(_refusals(clients), _REFUSALS))
        fill("refusals", table(_REFUSALS, refusals))
    fill("lines", lines())
    _say(f"wrote {PAGE} after {time.monotonic() - started:.0f} s")
    return 1 if any(_WRONG in cell for row in (*matrix, *logins, *refusals) for cell in row) else 0


def _matrix(clients: Bench) -> Iterator[Cells]:
    for client in CLIENTS:
        for way_in in client.ways:
            yield _row(client, way_in, COLUMNS, partial(clients.measure, client, way_in))


def _logins(clients: Bench) -> Iterator[Cells]:
    for login in LOGINS:
        for way_in in login.client.ways:
            yield _row(login.client, way_in, LOGIN_COLUMNS, partial(clients.measure_login, login, way_in))


def _row(client: Client, way_in: str, columns: tuple[str, ...], measure: Callable[[], Row]) -> Cells:
    try:
        found = measure().found
    except Missing as missing:
        return [client.name, _WAYS[way_in], str(missing), *[""] * (len(columns) - 1)]
    for column, wrong in found.items():
        if wrong:
            _say(f"{client.name}, {way_in}, {column}: {wrong}")
    return [client.name, _WAYS[way_in], *(_WRONG if found[column] else "yes" for column in columns)]


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
