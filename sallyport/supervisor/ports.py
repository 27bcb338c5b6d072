"""Takes the gateway's ports before anything is started, so that a port in use is one clear message."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from sallyport.settings import Address, SettingError


@contextmanager
def reserved(address: Address, setting: str) -> Generator[Address]:
    """Hold `address` until the end; yields it with the port that port 0 stood for.

    Held is: bound, but not listening, by sockets that let our own processes bind and listen beside them (SO_REUSEPORT).
    Raises SettingError, naming the setting, when the address can't be had.
    """
    held: list[socket.socket] = []
    try:
        port = address.port
        for family, place in _places(address, setting):
            taken = _bind(family, (place, port), address, setting)
            if taken is not None:
                held.append(taken)
                port = port or int(taken.getsockname()[1])
        if not held:
            raise SettingError(f"{setting}: {address.host} is not an address of this machine")
        yield Address(host=address.host, port=port)
    finally:
        for one in held:
            one.close()


def _places(address: Address, setting: str) -> Iterator[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise SettingError(f"{setting}: {address.host} can't be resolved; give an IP address of this machine") from None
    for family, _type, _protocol, _name, place in dict.fromkeys(found):
        yield family, str(place[0])


def _bind(family: socket.AddressFamily, place: tuple[str, int], address: Address, setting: str) -> socket.socket | None:
    """A bound socket; None where this machine does not have that address of a name (`localhost` without IPv6)."""
    with socket.socket(family) as probe:  # a listener that shares its port would let us in: ask without sharing first
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not _try(probe, family, place, address, setting):
            return None
    held = socket.socket(family)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if not _try(held, family, place, address, setting):
        held.close()
        return None
    return held


def _try(one: socket.socket, family: socket.AddressFamily, place: tuple[str, int], address: Address, setting: str) -> bool:
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        one.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            return False
        if error.errno == errno.EADDRINUSE:
            raise SettingError(
                f"{address} is in use; stop what listens there, or choose another with {setting} HOST:PORT"
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise SettingError(f"{address} may not be used by this user; choose a port above 1023 with {setting}") from None
        raise SettingError(f"{setting} {address}: {os.strerror(error.errno or 0)}") from None
    return True
