"""URLs of Redis: of one server (`redis://`, `rediss://`, `unix://`), or of a cluster (`redis+cluster://`, `rediss+cluster://`).

The URL of a cluster names one of its nodes, of which the others are asked.
"""

from __future__ import annotations

from urllib.parse import urlsplit

EXAMPLES = "redis://HOST:6379/0, rediss://…, redis+cluster://NODE:6379 or unix:///PATH"
_CLUSTER = "+cluster"


def is_redis_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - the property raises on a bad port
    except ValueError:
        return False
    return bool(parts.path) if parts.scheme == "unix" else parts.scheme.removesuffix(_CLUSTER) in ("redis", "rediss")


def is_cluster(url: str) -> bool:
    return urlsplit(url).scheme.endswith(_CLUSTER)


def node_url(url: str) -> str:
    """Of the server itself, or of the cluster's node that is named: messages and questions about the server can go to any."""
    scheme, separator, rest = url.partition("://")
    return scheme.removesuffix(_CLUSTER) + separator + rest
