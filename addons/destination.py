"""Where an attempt at a call goes: provider, host, path and model; and where else the same request could go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mitmproxy import http

from sallyport.providers.base import Operation, Provider, Upstream


@dataclass(frozen=True, slots=True)
class Destination:
    provider: Provider
    operation: Operation
    upstream: Upstream
    path: str
    """With its query, without the upstream's prefix."""
    model: str


def point(request: http.Request, upstream: Upstream, path: str) -> None:
    """Send the request to `path` (with its query) of `upstream`."""
    request.scheme, request.host, request.port = upstream.scheme, upstream.host, upstream.port
    request.path = upstream.prefix + path
    if request.is_http2:
        request.authority = upstream.authority
        request.headers.pop("host", None)
    else:
        request.host_header = upstream.authority


def with_model(now: Destination, method: str, model: str) -> Destination | None:
    """Another model of the same provider, where the path can name it if it must."""
    path, mark, query = now.path.partition("?")
    changed = path if now.operation.model is None else now.provider.with_model(path, model)
    operation = changed and now.provider.operation(method, changed)
    if not operation or type(operation.wire) is not type(now.operation.wire):
        return None
    return Destination(now.provider, operation, now.upstream, f"{changed}{mark}{query}", model)


def at_provider(
    now: Destination, method: str, provider: Provider, chosen: Mapping[str, Upstream], model: str
) -> Destination | None:
    """Another provider that serves the same wire format in the same way."""
    path, mark, query = now.path.partition("?")
    own, other = now.provider.shared_paths.get(now.operation.name), provider.shared_paths.get(now.operation.name)
    if own is None or other is None or not path.endswith(own):
        return None
    operation = provider.operation(method, other)
    if operation is None or type(operation.wire) is not type(now.operation.wire):
        return None
    upstream = chosen.get(provider.name) or provider.upstream(other)
    return upstream and Destination(provider, operation, upstream, f"{other}{mark}{query}", model)
