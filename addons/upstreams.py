"""Where the operator sends providers' calls: by `--upstream`, and by the base URLs of declared providers."""

from __future__ import annotations

from urllib.parse import urlsplit

from sallyport.providers import PROVIDERS
from sallyport.providers.base import Upstream
from sallyport.settings import Settings


def _parse(url: str) -> Upstream:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Upstream(parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"))


def named_upstreams(settings: Settings) -> dict[str, Upstream]:
    """By provider: those of `--upstream`."""
    return {name: _parse(url) for name, url in settings.upstreams.items()}


def chosen_upstreams(settings: Settings) -> frozenset[tuple[str, int]]:
    """The hosts and ports. The operator's word holds wherever they are, this machine and private networks too."""
    named = named_upstreams(settings).values()
    declared = [PROVIDERS[name].upstream("/") for name in settings.providers]
    return frozenset((upstream.host, upstream.port) for upstream in (*named, *declared) if upstream)
