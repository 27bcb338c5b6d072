"""Answers the DNS queries of those whose whole traffic comes to us (WireGuard, local capture): IPv4 addresses, and nothing else.

Other records do not exist here. Among them are IPv6 addresses, which would lead past a tunnel that has none, and those that offer
a client QUIC, or a key to hide a host's name with.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from mitmproxy import dns


class NameServer:
    """An addon: what this machine's own resolver says, the hosts file included."""

    async def dns_request(self, flow: dns.DNSFlow) -> None:
        question, request = flow.request.question, flow.request
        if question is None or (question.type, question.class_) != (dns.types.A, dns.classes.IN):
            flow.response = request.succeed([])
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                question.name, None, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            unknown = isinstance(error, UnicodeError) or error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
            flow.response = request.fail(dns.response_codes.NXDOMAIN if unknown else dns.response_codes.SERVFAIL)
            return
        packed = dict.fromkeys(ipaddress.IPv4Address(str(entry[4][0])).packed for entry in found)
        ttl = dns.ResourceRecord.DEFAULT_TTL
        flow.response = request.succeed(
            [dns.ResourceRecord(question.name, question.type, question.class_, ttl, data) for data in packed]
        )
