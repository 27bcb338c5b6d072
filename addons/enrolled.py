"""Whom a caller without a key is known as: by client certificate, by the network it comes from, by its user on this machine."""

from __future__ import annotations

import ipaddress

from mitmproxy import connection
from mitmproxy.proxy import mode_specs

from addons.local_user import local_user
from sallyport.store.snapshot import Enrollment, Key, Snapshot

_UNASKED = (mode_specs.TransparentMode, mode_specs.WireGuardMode, mode_specs.LocalMode, mode_specs.TunMode)
"""Ways in whose clients know nothing of the gateway, so that they can't be asked for a key."""


def enrolled_key(snapshot: Snapshot, client: connection.Client) -> Key | None:
    """By certificate, else the narrowest network, else the local user, else, where no key can be sent, as a stranger.

    A stranger is who has no other identity: `0.0.0.0/0` and `::/0` enroll strangers. On the other ways in they count for
    nothing, or whoever reaches the port could call, and go through the tunnel, without a key.
    """
    if not snapshot.enrollments:
        return None
    by_kind: dict[str, list[Enrollment]] = {}
    for enrollment in snapshot.enrollments:
        by_kind.setdefault(enrollment.kind, []).append(enrollment)
    found = _by_certificate(by_kind.get("certificate", []), client)
    peer = peer_address(client)
    if found is None and peer is not None:
        networks = sorted(_containing(by_kind.get("network", []), peer), key=lambda pair: pair[0].prefixlen)
        strangers = networks.pop(0)[1] if networks and networks[0][0].prefixlen == 0 else None
        found = networks[-1][1] if networks else _by_user(by_kind.get("os_user", []), client)
        if found is None and isinstance(client.proxy_mode, _UNASKED):
            found = strangers
    return snapshot.keys_by_id.get(found.key_id) if found else None


def peer_address(client: connection.Client) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Where a client connects from; an IPv4 address as one, on a socket for both families too."""
    if not client.peername:
        return None
    ip = ipaddress.ip_address(client.peername[0].partition("%")[0])
    return (ip.version == 6 and ip.ipv4_mapped) or ip


def _by_certificate(enrollments: list[Enrollment], client: connection.Client) -> Enrollment | None:
    if not enrollments or not client.certificate_list:
        return None
    fingerprint = client.certificate_list[0].fingerprint().hex()
    return next((e for e in enrollments if e.value.lower().replace(":", "") == fingerprint), None)


def _containing(
    enrollments: list[Enrollment], peer: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Enrollment]]:
    networks = [(ipaddress.ip_network(enrollment.value), enrollment) for enrollment in enrollments]
    return [(network, enrollment) for network, enrollment in networks if peer in network]


def _by_user(enrollments: list[Enrollment], client: connection.Client) -> Enrollment | None:
    user = local_user(client.peername, client.sockname) if enrollments else None
    return next((e for e in enrollments if e.value == user), None)
