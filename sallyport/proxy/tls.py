"""Certificates towards clients: for the one name the client asked for, never more than the CA may sign."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import override

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from mitmproxy import ctx, tls
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.certs import Cert, CertStoreEntry
from mitmproxy.proxy import context
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.layers.http import HttpStream

from sallyport.providers import provider_for_host
from sallyport.settings import Settings
from sallyport.tracing import rejections


class GatewayTls(TlsConfig):
    name = "tlsconfig"

    def __init__(self, settings: Settings, asks_certificates: Callable[[], bool]) -> None:
        self._asks_certificates = asks_certificates
        self._own = _load_own(settings)

    @override
    def tls_start_client(self, tls_start: tls.TlsData) -> None:
        """On our own port we speak HTTP/1.1: over HTTP/2, mitmproxy takes no CONNECT."""
        if _is_outermost(tls_start.context):
            tls_start.conn.alpn = b"http/1.1"
        asks = self._asks_certificates()
        if ctx.options.request_client_cert != asks:
            ctx.options.update(request_client_cert=asks)
        super().tls_start_client(tls_start)

    def tls_failed_client(self, tls_start: tls.TlsData) -> None:
        """Half a handshake, or one that the client broke off: it does not trust our CA, or speaks no TLS that we do."""
        rejections.count("tls_handshake")

    @override
    def get_cert(self, conn_context: context.Context) -> CertStoreEntry:
        client, server = conn_context.client, conn_context.server
        outermost = _is_outermost(conn_context)
        if outermost and self._own and not (client.sni and provider_for_host(client.sni)):
            return self._own
        name = client.sni
        if not name and server.address and not outermost:
            name = server.address[0]
        if not name:
            name = str(client.sockname[0])
        general_name = _general_name(name)
        # without a DNS name, OpenSSL takes the common name for one, and an address is none that the CA may sign for
        common_name = name if isinstance(general_name, x509.DNSName) else None
        return self.certstore.get_cert(common_name, [general_name])


def _is_outermost(conn_context: context.Context) -> bool:
    """TLS to the gateway itself, as opposed to TLS inside a tunnel."""
    return isinstance(conn_context.layers[0], modes.HttpProxy) and not any(
        isinstance(one, HttpStream) for one in conn_context.layers
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load_own(settings: Settings) -> CertStoreEntry | None:
    """The company's certificate for the gateway's own names (`--tls-cert`, `--tls-key`)."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    key = serialization.load_pem_private_key(settings.tls_key.read_bytes(), password=None)
    certificate = Cert.from_pem(settings.tls_cert.read_bytes())
    return CertStoreEntry(certificate, key, settings.tls_cert, [])  # pyright: ignore[reportArgumentType] - any key type OpenSSL takes
