"""Tells an IP address from a name."""

from __future__ import annotations

import ipaddress


def is_address(host: str) -> bool:
    """Whether this is a numeric IPv4 or IPv6 address, without brackets."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
