"""The nftables rules that lead clients' connections to the gateway's transparent port. Text only; nothing is applied here.

All of it is in one table of our own, which the text makes anew: loading it replaces what was there, in one transaction, and
touches no other table.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TABLE = "inet sallyport"
"""One table for IPv4 and IPv6."""

_REPLACE = f"table {TABLE}\ndelete table {TABLE}\n"
"""The first line makes the second succeed where there is no table yet."""


@dataclass(frozen=True, slots=True)
class Egress:
    """Whose connections are led to the gateway, and which."""

    to_port: int
    """Where the gateway listens (`--mode transparent@PORT`)."""
    networks: tuple[Network, ...] = ()
    """Clients whose packets this machine forwards, by where they come from."""
    interfaces: tuple[str, ...] = ()
    """The same, by the interface they come in on."""
    uids: tuple[int, ...] = ()
    """Users of this machine."""
    gids: tuple[int, ...] = ()
    """Groups of this machine; the kernel knows a process by its effective one."""
    gateway_uid: int = 0
    """The user the gateway runs as, whose connections are left alone: they would come back for ever."""
    ports: tuple[int, ...] = (443,)
    """Destination ports. UDP to them is rejected, so that QUIC falls back to TCP at once."""
    left_alone: tuple[Network, ...] = ()
    """Destinations that clients reach without the gateway."""


def ruleset(egress: Egress) -> str:
    """A file for `nft -f`."""
    who_forwarded = [*_interfaces(egress.interfaces), *_addresses("saddr", egress.networks)]
    who_local = [*_ids("skuid", egress.uids), *_ids("skgid", egress.gids)]
    ports = _set(egress.ports)
    redirect = f"tcp dport {ports} redirect to :{egress.to_port}"
    reject = f"udp dport {ports} reject with icmpx type port-unreachable"
    except_gateway = f"meta skuid {egress.gateway_uid} return"
    aside = ["fib daddr type local return", *(f"{match} return" for match in _addresses("daddr", egress.left_alone))]
    chains: list[str] = []
    if who_forwarded:  # before the packet is routed, and instead of forwarding it
        chains += _chain("clients_tcp", "nat hook prerouting priority dstnat", aside, who_forwarded, redirect)
        chains += _chain("clients_udp", "filter hook forward priority filter - 10", aside, who_forwarded, reject)
    if who_local:
        aside = [except_gateway, *aside]
        chains += _chain("local_tcp", "nat hook output priority -100", aside, who_local, redirect)
        chains += _chain("local_udp", "filter hook output priority filter - 10", aside, who_local, reject)
    return f"{_REPLACE}table {TABLE} {{\n" + "\n".join(chains) + "}\n"


def _chain(name: str, hook: str, aside: Iterable[str], who: Iterable[str], verdict: str) -> Iterator[str]:
    rules = [f"type {hook}; policy accept;", *aside, *(f"{match} {verdict}" for match in who)]
    yield f"    chain {name} {{\n" + "".join(f"        {rule}\n" for rule in rules) + "    }\n"


def _interfaces(names: tuple[str, ...]) -> Iterator[str]:
    if names:
        yield f"iifname {_set(f'"{name}"' for name in names)}"


def _addresses(field: str, networks: Iterable[Network]) -> Iterator[str]:
    """One match for each family, of what is left when overlapping networks are put together: nft takes no overlaps."""
    collapsed = (
        ("ip", ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network))),
        ("ip6", ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv6Network))),
    )
    for family, found in collapsed:
        if texts := [str(network) for network in found]:
            yield f"{family} {field} {_set(texts)}"


def _ids(field: str, ids: tuple[int, ...]) -> Iterator[str]:
    if ids:
        yield f"meta {field} {_set(ids)}"


def _set(items: Iterable[object]) -> str:
    return f"{{ {', '.join(str(item) for item in items)} }}"
