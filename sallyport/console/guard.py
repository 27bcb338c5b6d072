"""The outermost layer: refuses foreign Host names and oversized bodies, and puts the security headers on every answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sallyport.console.errors import problem
from sallyport.settings import Settings

MAX_BODY_BYTES = 1024 * 1024

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = AllowedHosts(settings.console.host, settings.names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
            await send(message)

        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            detail = f"this console does not answer to the host name {host[:100]!r}; add it to the setting `names`"
            await problem(scope["path"], 421, detail)(scope, receive, send_guarded)
            return
        await self._app(scope, _limited(receive), send_guarded)


class AllowedHosts:
    """Names a browser may know the console by. Any other is DNS rebinding: a foreign page speaking to us under its own name."""

    def __init__(self, bound: str, names: Iterable[str]) -> None:
        self._names = {"localhost", "127.0.0.1", "::1", bound.lower(), *(name.lower() for name in names)}
        address = _address(bound)
        self._any_address = address is not None and address.is_unspecified

    def __contains__(self, host: object) -> bool:
        name = _host_name(host) if isinstance(host, str) else None
        if name is None:
            return False
        # An address can't be rebound, so where we listen on all of them, all of them are ours.
        return name in self._names or (self._any_address and _address(name) is not None)


def _host_name(host: str) -> str | None:
    """The name in a Host header, lower case, without port and brackets."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port.removeprefix(":") if bracket else "-"
    else:
        name, _, port = host.partition(":")
    return name.lower().removesuffix(".") if name and (port.isdecimal() or not port) else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _limited(receive: Receive) -> Receive:
    """`receive`, raising 413 once the body is larger than MAX_BODY_BYTES."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise HTTPException(413, f"the request body is larger than {MAX_BODY_BYTES} bytes")
        return message

    return limited
