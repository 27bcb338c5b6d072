"""Connections upstream: a name is resolved once, and connected to is the very address that was judged."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from sallyport.destinations import Destinations, ForbiddenDestination
from sallyport.proxy.connection import ConnectionParts, GatewayConnection
from sallyport.proxy.hooks import HookTable
from sallyport.settings import Settings


class Dialled(Exception):
    """Instead of a connection."""


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that says something else each time it is asked; returns where was dialled."""
    given, dialled = iter(answers), list[str]()

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in next(given)]

    async def connect(host: str, port: int) -> Any:
        dialled.append(host)
        raise Dialled

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(asyncio, "open_connection", connect)
    return dialled


def dial() -> Any:
    connection = object.__new__(GatewayConnection)
    settings = Settings()
    connection._parts = ConnectionParts(settings, HookTable([]), Destinations(settings), frozenset())
    return connection._dial("rebinding.example", 443)


async def test_a_name_that_is_bound_anew_after_it_was_judged(monkeypatch: pytest.MonkeyPatch):
    dialled = names(monkeypatch, ["93.184.216.34"], ["169.254.169.254"])
    with pytest.raises(Dialled):
        await dial()
    assert dialled == ["93.184.216.34"]


@pytest.mark.parametrize("answer", [["169.254.169.254"], ["93.184.216.34", "10.0.0.1"], ["127.0.0.1"]])
async def test_a_public_name_for_a_forbidden_address(monkeypatch: pytest.MonkeyPatch, answer: list[str]):
    dialled = names(monkeypatch, answer)
    with pytest.raises(ForbiddenDestination):
        await dial()
    assert dialled == []
