"""The parts of `docs/clients.md` that are made: what was measured, and what the recipes say. All else is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from certs.recipes import environment, recipe
from tests.clients.client import Client
from tests.clients.clients import CLIENTS
from tests.clients.logins import LOGINS
from tests.e2e.support import ROOT

PAGE = ROOT / "docs" / "clients.md"
_BUNDLE = Path("~/.sallyport/ca/bundle.pem")


def fill(part: str, content: str) -> None:
    """Puts `content` between the marks of this part of the page."""
    marked = re.compile(rf"(<!-- {part} -->\n).*?(<!-- end -->)", re.DOTALL)
    text, found = marked.subn(lambda marks: f"{marks[1]}{content}{marks[2]}", PAGE.read_text())
    if found != 1:
        raise ValueError(f"{PAGE} has no part {part!r}")
    PAGE.write_text(text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def notes(clients: Iterable[Client]) -> str:
    return "".join(f"- {client.name}: {client.note}\n" for client in clients if client.note)


def lines() -> str:
    """What to set, by each way."""
    proxy = environment("http://sallyport:sp_YOUR_KEY@127.0.0.1:8080", Path("~/.sallyport/ca/ca-cert.pem"), _BUNDLE)
    parts = [f"As a proxy, `./run_gateway.py env`: any client.\n\n{_block(proxy)}"]
    clients = [client for client in (*CLIENTS, *(login.client for login in LOGINS)) if "base_url" in client.ways]
    for name in dict.fromkeys(client.recipe for client in clients):
        found = recipe(name, "http://127.0.0.1:8080", "sp_YOUR_KEY", _BUNDLE)
        users = ", ".join(client.name for client in clients if client.recipe == name)
        parts.append(f"By base URL, `./run_gateway.py env --client {name}`: {users}.\n\n{_block(found.variables)}")
        parts.extend(f"and in `{file}`\n\n```\n{content}\n```\n\n" for file, content in found.config.items())
    return "".join(parts)


def _block(variables: Mapping[str, str]) -> str:
    settings = "\n".join(f"{name}={value}" for name, value in variables.items())
    return f"```sh\n{settings}\n```\n\n"
