"""Our mitmproxy Master: only the addons a gateway needs (the stock set costs a third of the CPU of each call)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mitmproxy import options
from mitmproxy.addons.core import Core
from mitmproxy.master import Master

from sallyport.destinations import Destinations
from sallyport.paths import DataDir
from sallyport.proxy.chaining import ProxyChain
from sallyport.proxy.connection import ConnectionParts
from sallyport.proxy.hooks import HookTable
from sallyport.proxy.listeners import Listeners
from sallyport.proxy.name_server import NameServer
from sallyport.proxy.next_layer import GatewayNextLayer
from sallyport.proxy.tls import GatewayTls
from sallyport.settings import Settings


class GatewayMaster(Master):
    def __init__(
        self,
        settings: Settings,
        pipeline: Sequence[object],
        fixed: frozenset[tuple[str, int]],
        *,
        asks_certificates: Callable[[], bool],
        first_worker: bool,
    ) -> None:
        """`asks_certificates`: whether callers are known by client certificate, so that clients should be asked for one."""
        super().__init__(options.Options())
        self._legacy_log_events.uninstall()  # it would run every log line through every addon
        tls, next_layer = GatewayTls(settings, asks_certificates), GatewayNextLayer(settings)
        data = DataDir(settings.data_dir)
        proxy = settings.proxy()
        chain = ProxyChain(proxy, str(data.upstream_bundle)) if proxy else None
        parts = ConnectionParts(
            settings, HookTable((*pipeline, tls, next_layer, NameServer())), Destinations(settings), fixed, chain
        )
        self.listeners = Listeners(parts, first_worker=first_worker)
        self.addons.add(Core(), self.listeners, next_layer, tls)
        self.options.update(
            confdir=str(data.ca),
            connection_strategy="lazy",
            ssl_verify_upstream_trusted_ca=str(data.upstream_bundle),
            upstream_cert=False,
        )
