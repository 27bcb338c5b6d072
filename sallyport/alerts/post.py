"""One POST to an address that an admin gave, and that must be none of our own network's: judged when it is connected to."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi
import urllib3

from sallyport.destinations import Destinations, ForbiddenDestination
from sallyport.settings import Settings
from sallyport.upstream_proxy import UpstreamProxy
from sallyport.version import VERSION

_PORTS = {"http": 80, "https": 443}
_SECONDS = 10.0
_ALL_SECONDS = 30.0


class DeliveryError(Exception):
    """It did not arrive; the message says why, and nothing of the URL but its host."""


class Poster:
    """Follows no redirect, and reads no answer but its status."""

    def __init__(self, settings: Settings) -> None:
        self._destinations = Destinations(settings)
        self._proxy = settings.proxy()
        self._context = ssl.create_default_context(cafile=certifi.where())
        self._context.load_default_certs()
        if settings.upstream_ca is not None:
            self._context.load_verify_locations(settings.upstream_ca)

    async def check(self, url: str) -> None:
        """Raises DeliveryError if the URL leads where it must not, as far as its name can be resolved now."""
        try:
            await self._address(urlsplit(url))
        except (OSError, ValueError):  # not to be found now; or no URL, which the store refuses
            return

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        """Raises DeliveryError unless the answer is 2xx."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = self._proxy if self._proxy and self._proxy.carries(host) else None
        if proxy:  # it connects, so no address is ours to choose; a name that is known to be forbidden is refused all the same
            await self.check(url)
        try:
            address = host if proxy else await self._address(parts)
            async with asyncio.timeout(_ALL_SECONDS):
                status = await asyncio.to_thread(self._send, parts, address, proxy, body, headers)
        except TimeoutError:
            raise DeliveryError(f"{host} did not answer within {_ALL_SECONDS:.0f} s") from None
        except (OSError, ValueError) as error:
            raise DeliveryError(f"{host} can't be found: {getattr(error, 'strerror', None) or type(error).__name__}") from None
        except urllib3.exceptions.HTTPError as error:
            raise DeliveryError(f"{host} can't be reached: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise DeliveryError(f"{host} answered {status}")

    async def _address(self, parts: SplitResult) -> str:
        """Where to connect to. Raises DeliveryError, OSError."""
        try:
            found = await self._destinations.resolve(parts.hostname or "", _port(parts))
        except ForbiddenDestination as error:
            raise DeliveryError(f"{parts.hostname} is not allowed: {error} (--allow-destination opens networks)") from None
        return found[0]

    def _send(self, parts: SplitResult, address: str, proxy: UpstreamProxy | None, body: bytes, headers: dict[str, str]) -> int:
        target = parts.path or "/"
        target += f"?{parts.query}" if parts.query else ""
        options: dict[str, Any] = {"redirect": False, "retries": False, "preload_content": False}
        options["timeout"] = urllib3.Timeout(_SECONDS)
        sent = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": f"sallyport/{VERSION}", **headers}
        if proxy:
            with urllib3.ProxyManager(proxy.url.reveal(), ssl_context=self._context) as through:
                return through.urlopen("POST", parts.geturl(), body=body, headers=sent, **options).status
        if parts.scheme == "https":
            host = parts.hostname
            pool = urllib3.HTTPSConnectionPool(
                address, _port(parts), ssl_context=self._context, server_hostname=host, assert_hostname=host
            )
        else:
            pool = urllib3.HTTPConnectionPool(address, _port(parts))
        with pool:
            return pool.urlopen("POST", target, body=body, headers=sent, **options).status


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 443)
