"""Where the gateway may connect to for a caller: never to itself, this machine, a metadata service or a private network.

Names are judged by the addresses they resolve to, at the moment of connecting, so that neither an odd spelling of an address
(2130706433, 0x7f.1) nor a name that changes its address between check and use gets through.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from sallyport.settings import Settings

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_ALSO_FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in ("100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "fec0::/10", "64:ff9b:1::/48", "fd00:ec2::/32")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenDestination(Exception):
    """The destination is not allowed; the message says which address and why."""


class Destinations:
    """Judges destinations of tunnels and forwarded plain HTTP. Calls to providers go to fixed hosts and are not judged here."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = tuple(ipaddress.ip_network(network) for network in settings.allow_destinations)
        self._own_ports = frozenset((settings.listen.port, settings.console.port))

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host` that may be connected to.

        Raises ForbiddenDestination if any address is forbidden, OSError if the name does not resolve.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self.check(address, port)
        return addresses

    def unresolved(self, host: str, port: int) -> str:
        """`host` for a proxy that resolves names itself; an address, however it is spelt, is judged and told plainly.

        Raises ForbiddenDestination.
        """
        if f".{host.lower().rstrip('.')}".endswith(".localhost"):
            raise ForbiddenDestination(f"{host} is this machine (loopback)")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:  # a name
            return host
        address = str(found[0][4][0])
        self.check(address, port)
        return address

    def check(self, address: str, port: int) -> None:
        """Raises ForbiddenDestination. `address` is numeric."""
        ip = _unmapped(ipaddress.ip_address(address.partition("%")[0]))
        if port in self._own_ports and _is_local(ip):
            raise ForbiddenDestination(f"{address}:{port} is this gateway itself")
        if any(ip.version == network.version and ip in network for network in self._allowed):
            return
        for test, reason in (
            (ip.is_loopback, "this machine (loopback)"),
            (ip.is_link_local, "link-local, where metadata services live"),
            (ip.is_unspecified, "no destination"),
            (ip.is_multicast, "multicast"),
            (
                ip.is_private or ip.is_reserved or any(ip.version == n.version and ip in n for n in _ALSO_FORBIDDEN),
                "a private network",
            ),
        ):
            if test:
                raise ForbiddenDestination(f"{address} is {reason}")


def _unmapped(ip: IpAddress) -> IpAddress:
    """The IPv4 address inside an IPv6 one that stands for it (mapped, 6to4, NAT64)."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return ip.ipv4_mapped
        if ip.sixtofour:
            return ip.sixtofour
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip


def _is_local(ip: IpAddress) -> bool:
    """Whether this is an address of this machine: only those can be bound."""
    if ip.is_loopback or ip.is_unspecified:
        return True
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True
