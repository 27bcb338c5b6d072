"""The checks of `doctor`. Each looks at one thing, and says in one line what it found and what to do about it."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import redis
from cryptography import x509
from redis.backoff import NoBackoff
from redis.retry import Retry

from sallyport.cli.admin import every, opened_store
from sallyport.cli.program import console_address, gateway_address, program
from sallyport.paths import DataDir
from sallyport.redis_url import node_url
from sallyport.settings import Settings
from sallyport.supervisor.data_dir import read_state
from sallyport.supervisor.logs import mask
from sallyport.supervisor.redis_server import url

_SECONDS = 2.0
_CLOCK_SECONDS = 2.0
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    advice: str = ""


def run_checks(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """All findings; a check that itself fails is one too."""
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "data dir": lambda: _data_dir(settings),
        "CA": lambda: _authority(settings),
        "database": lambda: _store(settings),
        "redis": lambda: _redis(settings),
        "gateway": lambda: _gateway(settings),
        "environment": lambda: _environment(settings, environ),
    }
    found: list[Finding] = []
    for name, check in checks.items():
        try:
            found += check()
        except Exception as error:  # noqa: BLE001, RUF100 - whatever goes wrong is what we are here to tell
            found.append(Finding(name, "fail", mask(str(error) or type(error).__name__)))
    return found


def _data_dir(settings: Settings) -> Iterator[Finding]:
    root = settings.data_dir
    if not root.is_dir():
        yield Finding("data dir", "fail", f"{root} is not there", f"start the gateway once: {program(settings)} serve")
        return
    found = root.stat()
    if found.st_uid != os.geteuid():
        yield Finding("data dir", "fail", f"{root} belongs to user {found.st_uid}", "run this as the user the gateway runs as")
    elif found.st_mode & 0o077:
        yield Finding("data dir", "fail", f"{root} is open to others (mode {found.st_mode & 0o777:o})", f"chmod 700 {root}")
    else:
        yield Finding("data dir", "ok", str(root))


def _authority(settings: Settings) -> Iterator[Finding]:
    data = DataDir(settings.data_dir)
    certificate = x509.load_pem_x509_certificate(data.ca_cert.read_bytes())
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    if data.ca_key.stat().st_mode & 0o077:
        yield Finding("CA", "fail", f"{data.ca_key} is open to others", f"chmod 600 {data.ca_key}")
    try:
        certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        yield Finding("CA", "fail", f"{data.ca_cert} has no name constraints", f"remove {data.ca} and start the gateway again")
    if left < timedelta(days=30):
        yield Finding(
            "CA", "fail", f"{data.ca_cert} ends in {left.days} days", "start the gateway again, and have clients trust it"
        )
    else:
        yield Finding("CA", "ok", f"{data.ca_cert}, until {certificate.not_valid_after_utc:%Y-%m-%d}")
    if data.ca_cert.read_bytes().strip() not in data.ca_bundle.read_bytes():
        yield Finding("CA bundle", "fail", f"{data.ca_bundle} lacks the CA", "start the gateway again")


def _store(settings: Settings) -> Iterator[Finding]:
    with opened_store(settings) as store:
        yield Finding("database", "ok", store.engine.url.render_as_string(hide_password=True))
        yield Finding("master key", "ok", "fits the database")
        for workspace in every(store.list_workspaces):
            names = [secret.name for secret in store.list_secrets(workspace.id)]
            if names:
                yield Finding("secrets", "ok", f"{workspace.name}: {', '.join(names)}")
            else:
                advice = f"{program(settings)} secrets set OPENAI_API_KEY --workspace {workspace.name}"
                yield Finding("secrets", "warn", f"workspace {workspace.name} has none: its calls are refused", advice)
        now = time.time()
        good = [key for key in every(store.list_keys) if not key.revoked_at and (key.expires_at or now + 1) > now]
        if good:
            yield Finding("keys", "ok", f"{len(good)} in use")
        else:
            yield Finding("keys", "warn", "none: nobody can call", f"{program(settings)} keys create NAME")


def _redis(settings: Settings) -> Iterator[Finding]:
    data = DataDir(settings.data_dir)
    if settings.redis_url is None and read_state(data) is None:
        yield Finding("redis", "ok", "private; runs with the gateway")
        return
    address = settings.redis_url or url(data.redis_socket)
    with redis.Redis.from_url(
        node_url(address), retry=Retry(NoBackoff(), 0), socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS
    ) as client:
        seconds, microseconds = client.time()
        ahead = time.time() - (seconds + microseconds / 1e6)
        yield Finding("redis", "ok", f"{mask(address)}, {client.info('server').get('redis_version', 'unknown')}")
    if abs(ahead) > _CLOCK_SECONDS:
        yield Finding("clock", "warn", f"{ahead:+.1f} s from that of Redis", "have both follow the same time server (NTP)")
    else:
        yield Finding("clock", "ok", "as that of Redis")


def _gateway(settings: Settings) -> Iterator[Finding]:
    running = read_state(DataDir(settings.data_dir))
    if running is None:
        yield Finding("gateway", "fail", "does not run", f"{program(settings)} serve")
        return
    yield Finding("gateway", "ok", f"process {running.pid}, {len(running.workers)} workers, version {running.version}")
    listen = gateway_address(settings)
    try:
        socket.create_connection((listen.host, listen.port), _SECONDS).close()
        yield Finding("port", "ok", str(listen))
    except OSError as error:
        yield Finding("port", "fail", f"{listen} can't be reached: {error.strerror or error}", "look at the gateway's log")
    yield _health(f"http://{console_address(settings)}/healthz")


def _health(address: str) -> Finding:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this shell's proxy is the gateway itself
    try:
        with direct.open(address, timeout=_SECONDS + 1):
            return Finding("health", "ok", address)
    except urllib.error.HTTPError as error:
        return Finding("health", "fail", f"{address}: {error.read(2000).decode(errors='replace')}", "look at the gateway's log")
    except OSError as error:
        return Finding("health", "fail", f"{address} does not answer: {error}", "look at the gateway's log")


def _environment(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """This shell's variables: either none of ours, or all that belong together."""
    data = DataDir(settings.data_dir)
    listen = gateway_address(settings)
    proxy = environ.get("HTTPS_PROXY") or environ.get("https_proxy")
    advice = f'eval "$({program(settings)} env --key sp_…)"'
    if not proxy:
        yield Finding("environment", "ok", "HTTPS_PROXY is not set here", f"for this shell's programs: {advice}")
        return
    try:
        parts = urlsplit(proxy)
        there = parts.port == listen.port
    except ValueError:
        yield Finding("environment", "fail", "HTTPS_PROXY is not a URL", advice)
        return
    if not there:
        yield Finding("environment", "warn", f"HTTPS_PROXY is {mask(proxy)}, not the gateway on {listen}", advice)
        return
    if not parts.username or not parts.password:
        yield Finding("environment", "fail", "HTTPS_PROXY names no user or no key; clients want both", advice)
    trusted = {str(data.ca_cert), str(data.ca_bundle)}
    wrong = [name for name in _CA_VARIABLES if not _same(environ.get(name), trusted)]
    if wrong:
        yield Finding("environment", "fail", f"HTTPS_PROXY is the gateway, but its CA is not in {', '.join(wrong)}", advice)
    else:
        yield Finding("environment", "ok", "HTTPS_PROXY and the CA variables are the gateway's")


def _same(path: str | None, trusted: set[str]) -> bool:
    return path is not None and str(Path(path).expanduser().absolute()) in trusted
