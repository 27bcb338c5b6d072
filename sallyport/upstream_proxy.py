"""The company's own proxy between the gateway and the internet (`--upstream-proxy`): where it is, and for which hosts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from sallyport.secret import Secret

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class UpstreamProxy:
    scheme: Literal["http", "https"]
    """How the proxy itself is spoken to."""
    host: str
    port: int
    user: str | None
    password: Secret | None
    url: Secret = field(repr=False)
    """All of it, as HTTP libraries take it."""
    exceptions: tuple[str, ...] = ()
    """Hosts, domains with what is in them, networks: reached without the proxy."""

    @classmethod
    def parse(cls, url: str, exceptions: tuple[str, ...] = ()) -> UpstreamProxy:
        """`http://[USER:PASSWORD@]HOST[:PORT]` or `https://…`. Raises ValueError, whose message does not repeat the URL."""
        problem = ValueError("must be http://[USER:PASSWORD@]HOST:PORT or https://…")  # the URL may hold a password
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise problem from None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise problem
        return cls(
            scheme=cast(Literal["http", "https"], parts.scheme),
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username is not None else None,
            password=Secret(unquote(parts.password)) if parts.password is not None else None,
            url=Secret(url),
            exceptions=tuple(entry.lower() for entry in exceptions),
        )

    def carries(self, host: str) -> bool:
        """Whether connections to this host go through the proxy. Those to this machine never do."""
        host = host.lower().rstrip(".")
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return False
        return not any(_matches(entry, host, address) for entry in self.exceptions)

    def for_requests(self, host: str) -> dict[str, str]:
        """`Session.proxies` of the library `requests`, for a session that speaks to this host alone."""
        return dict.fromkeys(("http", "https"), self.url.reveal()) if self.carries(host) else {}


def _matches(entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    """As `NO_PROXY` is commonly read: `corp.example` and `.corp.example` both mean the host and all below it."""
    if entry == "*":
        return True
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    domain = entry.removeprefix("*").removeprefix(".")
    return host == domain or host.endswith(f".{domain}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
