"""Connections through the company's proxy: CONNECT, and then the provider's own TLS inside, end to end (RFC 9110, 9.3.6)."""

from __future__ import annotations

import asyncio
import base64
import ssl

from sallyport.upstream_proxy import UpstreamProxy

_WHAT_TO_DO = {
    407: "refused the gateway's credentials (407); an administrator must put the right ones in --upstream-proxy",
    403: "does not let the gateway connect to {target} (403)",
    502: "could not reach {target} (502)",
    504: "got no answer from {target} (504)",
}


class UpstreamProxyError(OSError):
    """The proxy can't be reached or does not connect us; the message says which, and holds no credential."""


class ProxyChain:
    """Opens connections through one proxy."""

    def __init__(self, proxy: UpstreamProxy, roots: str) -> None:
        """`roots`: a file of what an https proxy's certificate is verified with."""
        self._proxy = proxy
        self._tls = ssl.create_default_context(cafile=roots) if proxy.scheme == "https" else None
        self._name = f"the upstream proxy {proxy.host}:{proxy.port}"

    def carries(self, host: str) -> bool:
        return self._proxy.carries(host)

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to `host`, whose name the proxy resolves. Raises UpstreamProxyError."""
        try:
            reader, writer = await asyncio.open_connection(self._proxy.host, self._proxy.port, ssl=self._tls)
        except OSError as error:
            raise UpstreamProxyError(f"{self._name} can't be reached: {_cause(error)}") from None
        try:
            await self._ask(reader, writer, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except BaseException:  # a time-out too
            writer.close()
            raise
        return reader, writer

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *self._credentials(), "", ""]
        writer.write("\r\n".join(lines).encode())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise UpstreamProxyError(f"{self._name} gave no answer to CONNECT {target}") from None
        version, _, rest = head.partition(b" ")
        status = int(rest[:3]) if version.startswith(b"HTTP/1.") and rest[:3].isdigit() else 0
        if not 200 <= status < 300:
            told = _WHAT_TO_DO.get(status, f"answered CONNECT {{target}} with {status or 'something else than HTTP'}")
            raise UpstreamProxyError(f"{self._name} {told.format(target=target)}")

    def _credentials(self) -> list[str]:
        if self._proxy.user is None:
            return []
        password = self._proxy.password.reveal() if self._proxy.password else ""
        both = base64.b64encode(f"{self._proxy.user}:{password}".encode()).decode()
        return [f"Proxy-Authorization: Basic {both}"]


def _cause(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); --upstream-ca adds roots"
    if isinstance(error, ssl.SSLError):
        return f"TLS with it failed ({error.reason})"
    return error.strerror or str(error)
