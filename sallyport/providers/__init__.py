"""The providers: written ones, one file each (its `provider`); declared ones, in `declared/` and in the operator's config file;
and those of entry points in the group `sallyport.providers`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType

from sallyport.declaration import PROVIDER_NAME, Declaration
from sallyport.providers.base import Provider
from sallyport.providers.declared import DeclaredProvider, shipped
from sallyport.providers.surfaces import surfaces

ENTRY_POINT_GROUP = "sallyport.providers"
DECLARED_PATH = "providers"
"""The first segment of the base paths of declared providers; the others can be reached below it too."""


class _Registry:
    """Providers by name, and one compiled pattern for all their hosts."""

    def __init__(self) -> None:
        self.by_name: dict[str, Provider] = {}
        self._exact: dict[str, Provider] = {}
        self._patterns: dict[str, tuple[str, Provider]] = {}
        self._pattern = re.compile("(?!)")
        self._undecrypted: set[str] = set()

    def add(self, provider: Provider) -> None:
        """Raises ValueError where its name or a host of its is another's already."""
        if provider.name in self.by_name or provider.name == DECLARED_PATH:
            raise ValueError(f"takes the name of another, {provider.name!r}")
        for host in provider.hosts:
            if "*" not in host and host in self._exact:
                raise ValueError(f"takes a host of {self._exact[host].name}, {host!r}")
        self.by_name[provider.name] = provider
        for host in provider.hosts:
            if "*" in host:
                self._patterns[f"host{len(self._patterns)}"] = (_regex(host), provider)
            else:
                self._exact[host] = provider
        pieces = (f"(?P<{group}>{regex})" for group, (regex, _) in self._patterns.items())
        self._pattern = re.compile("|".join(pieces) or "(?!)", re.ASCII)

    def clear(self) -> None:
        for table in (self.by_name, self._exact, self._patterns, self._undecrypted):
            table.clear()
        self._pattern = re.compile("(?!)")

    def leave(self, name: str) -> None:
        """Take a provider's hosts, or one of its hosts, for a stranger's. Raises ValueError where it is neither."""
        name = name.lower().removesuffix(".")
        if name not in self.by_name and self._whose(name) is None:
            raise ValueError(f"{name!r} is neither a provider nor a provider's host")
        self._undecrypted.add(name)

    def of_host(self, host: str) -> Provider | None:
        host = host.lower().removesuffix(".")
        provider = self._whose(host)
        return None if provider is None or self._undecrypted & {host, provider.name} else provider

    def _whose(self, host: str) -> Provider | None:
        if provider := self._exact.get(host):
            return provider
        match = self._pattern.fullmatch(host)
        return self._patterns[match.lastgroup][1] if match and match.lastgroup else None

    def domains(self) -> set[str]:
        decrypted = (provider for provider in self.by_name.values() if provider.name not in self._undecrypted)
        return {domain for provider in decrypted for domain in provider.name_constraints} - self._undecrypted


def _regex(host: str) -> str:
    return re.escape(host).replace(r"\*", "[a-z0-9-]+").replace(r"\?", "[a-z]")


def _built_in() -> Iterator[Provider]:
    for module in pkgutil.iter_modules(__path__):
        if not module.ispkg:
            provider = getattr(importlib.import_module(f"{__name__}.{module.name}"), "provider", None)
            if isinstance(provider, Provider):
                yield provider
    for name, declaration in shipped():
        yield DeclaredProvider(name, declaration)


_BUILT_IN = tuple(_built_in())
_registry = _Registry()
for _provider in _BUILT_IN:
    _registry.add(_provider)

PROVIDERS: Mapping[str, Provider] = MappingProxyType(_registry.by_name)
"""By name: the built-in ones, and after `load_providers` all others too."""


def load_providers(declared: Mapping[str, Declaration] | None = None, undecrypted: Iterable[str] = ()) -> Mapping[str, Provider]:
    """Make `PROVIDERS` the built-in ones, those of installed packages and the operator's, `declared` (by name).

    `undecrypted`: providers and hosts of theirs that are no longer known by host. Every process calls it once, at its start.
    Raises ValueError, naming the entry point or the operator's table, for one that can't be used, or that takes another's name
    or host.
    """
    _registry.clear()
    _fill((provider.name, provider) for provider in _BUILT_IN)
    _fill(_installed())
    known = surfaces()
    _fill((f"providers.{name}", DeclaredProvider(name, declaration, known)) for name, declaration in (declared or {}).items())
    for name in undecrypted:
        _registry.leave(name)
    return PROVIDERS


def constrained_domains() -> set[str]:
    """The DNS domains that the CA must be able to sign for."""
    return _registry.domains()


def _fill(providers: Iterable[tuple[str, Provider]]) -> None:
    for what, provider in providers:
        try:
            _registry.add(provider)
        except ValueError as error:
            raise ValueError(f"{what} {error}") from None


def _installed() -> Iterator[tuple[str, Provider]]:
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        what = f"the provider {entry_point.name!r} ({entry_point.value})"
        try:
            loaded = entry_point.load()
            provider = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:  # a third party's module may fail in any way
            raise ValueError(f"{what} can't be loaded: {error}") from error
        if not isinstance(provider, Provider) or not PROVIDER_NAME.fullmatch(provider.name):
            raise ValueError(f"{what} is no Provider")
        yield what, provider


def provider_for_host(host: str) -> Provider | None:
    """Whose host this is, by any spelling of its case and with or without the root's dot."""
    return _registry.of_host(host)


def provider_for_path(path: str) -> tuple[Provider, str] | None:
    """The provider of a base path, and the path that is left: `/openai/v1/models` → (openai, `/v1/models`).

    Any is reached below `/providers/`, too; the declared ones only there.
    """
    name, slash, rest = path.removeprefix("/").partition("/")
    declared = name == DECLARED_PATH
    if declared:
        name, slash, rest = rest.partition("/")
    provider = PROVIDERS.get(name) if path.startswith("/") else None
    if provider is None or not (declared or provider.base_path == f"/{name}"):
        return None
    return provider, slash + rest or "/"


def place_in_path(path: str) -> tuple[str | None, str]:
    """The region or location that a base path may name first, and the path that is left: `/@eu-west-1/model/…`."""
    if not path.startswith("/@"):
        return None, path
    place, slash, rest = path[2:].partition("/")
    return place, slash + rest or "/"
