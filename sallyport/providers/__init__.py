"""The providers: built in, one file each (its `provider`), and those of entry points in the group `sallyport.providers`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType

from sallyport.providers.base import Provider

ENTRY_POINT_GROUP = "sallyport.providers"


class _Registry:
    """Providers by name, and one compiled pattern for all their hosts."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self.by_name: dict[str, Provider] = {}
        self._exact: dict[str, Provider] = {}
        self._patterns: dict[str, Provider] = {}
        for provider in providers:
            self.add(provider)

    def add(self, provider: Provider) -> None:
        self.by_name[provider.name] = provider
        for host in provider.hosts:
            if "*" in host:
                self._patterns[f"host{len(self._patterns)}"] = provider
            else:
                self._exact[host] = provider
        hosts = [host for provider in self.by_name.values() for host in provider.hosts if "*" in host]
        pieces = (f"(?P<host{i}>{_regex(host)})" for i, host in enumerate(hosts))
        self._pattern = re.compile("|".join(pieces) or "(?!)", re.ASCII)

    def of_host(self, host: str) -> Provider | None:
        host = host.lower().removesuffix(".")
        if provider := self._exact.get(host):
            return provider
        match = self._pattern.fullmatch(host)
        return self._patterns[match.lastgroup] if match and match.lastgroup else None


def _regex(host: str) -> str:
    return re.escape(host).replace(r"\*", "[a-z0-9-]+").replace(r"\?", "[a-z]")


def _built_in() -> Iterable[Provider]:
    for module in pkgutil.iter_modules(__path__):
        if not module.ispkg:
            provider = getattr(importlib.import_module(f"{__name__}.{module.name}"), "provider", None)
            if isinstance(provider, Provider):
                yield provider


_registry = _Registry(_built_in())

PROVIDERS: Mapping[str, Provider] = MappingProxyType(_registry.by_name)
"""By name: the built-in ones, and after `load_providers()` those of entry points too."""


def load_providers() -> Mapping[str, Provider]:
    """Add the providers of installed packages.

    Raises ValueError, naming the entry point, for one that can't be loaded, is no Provider or takes another's name.
    """
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            loaded = entry_point.load()
            provider = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:  # a third party's module may fail in any way
            raise ValueError(f"the provider {entry_point.name!r} ({entry_point.value}) can't be loaded: {error}") from error
        if not isinstance(provider, Provider):
            raise ValueError(f"the provider {entry_point.name!r} ({entry_point.value}) is no Provider")
        known = PROVIDERS.get(provider.name)
        if known is not None and type(known) is not type(provider):
            raise ValueError(
                f"the provider {entry_point.name!r} ({entry_point.value}) takes the name of another, {provider.name!r}"
            )
        if known is None:
            _registry.add(provider)
    return PROVIDERS


def provider_for_host(host: str) -> Provider | None:
    """Whose host this is, by any spelling of its case and with or without the root's dot."""
    return _registry.of_host(host)


def provider_for_path(path: str) -> tuple[Provider, str] | None:
    """The provider of a base path, and the path that is left: `/openai/v1/models` → (openai, `/v1/models`)."""
    name, slash, rest = path.removeprefix("/").partition("/")
    provider = PROVIDERS.get(name) if path.startswith("/") else None
    return None if provider is None else (provider, slash + rest or "/")
