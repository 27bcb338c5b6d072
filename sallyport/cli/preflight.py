"""What can be known to be wrong with the settings of `serve` before anything is made or started."""

from __future__ import annotations

import ssl
from pathlib import Path

from sallyport.settings import SettingError, Settings


def check(settings: Settings) -> None:
    """Raises SettingError, naming the flag."""
    if settings.listen.port and settings.listen == settings.console:
        raise SettingError(f"--listen and --console are both {settings.listen}; choose two ports")
    if settings.upstream_ca is not None:
        _check_roots(settings.upstream_ca)
    if settings.tls_cert is not None and settings.tls_key is not None:
        _check_certificate(settings.tls_cert, settings.tls_key)
    elif settings.tls_cert is not None or settings.tls_key is not None:
        raise SettingError("--tls-cert and --tls-key go together: give both or none")
    if settings.prices is not None:
        _check_prices(settings.prices)
    if settings.modes:
        _check_modes(settings)


def _check_readable(flag: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SettingError(f"{flag}: {path} can't be read: {error.strerror}") from None


def _check_roots(path: Path) -> None:
    from certs.errors import CertificateError
    from certs.roots import operators_roots

    _check_readable("--upstream-ca", path)
    try:
        operators_roots(path)
    except CertificateError as error:
        raise SettingError(f"--upstream-ca: {error}") from None


def _check_certificate(certificate: Path, key: Path) -> None:
    _check_readable("--tls-cert", certificate)
    _check_readable("--tls-key", key)
    try:
        # an empty passphrase, so that OpenSSL never asks for one
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingError(f"--tls-key: {key} is not the key of the certificate {certificate}") from None
        raise SettingError(
            f"--tls-cert, --tls-key: {certificate} and {key} must be a certificate and its key, both in PEM, without passphrase"
        ) from None


def _check_prices(path: Path) -> None:
    from sallyport.spend.price_file import PriceFileError, load_price_file

    try:
        load_price_file(path)
    except PriceFileError as error:
        raise SettingError(f"--prices: {error}") from None


def _check_modes(settings: Settings) -> None:
    """Each is one of mitmproxy's, with a port of its own: workers share ports, so the system would let two modes have one."""
    from mitmproxy.proxy.mode_specs import ProxyMode  # slow to import and seldom needed

    taken = {settings.listen.port: "--listen", settings.console.port: "--console"}
    for mode in settings.modes:
        try:
            parsed = ProxyMode.parse(mode)
        except ValueError as error:
            raise SettingError(f"--mode: {mode!r} is not a mode of mitmproxy: {error}") from None
        port = parsed.listen_port() if parsed.transport_protocol == "tcp" else None
        if port and port in taken:
            raise SettingError(f"--mode: {mode!r} would listen on port {port}, as {taken[port]} does; give it another: @PORT")
        if port:
            taken[port] = f"--mode {mode}"
