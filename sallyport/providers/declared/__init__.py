"""Providers that are declared, not written: one TOML file each in this folder, and the operator's `[providers.NAME]`.

`sallyport/declaration.py` says what may stand in one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from urllib.parse import urlsplit

from sallyport.declaration import Declaration
from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.routes import Routes, below
from sallyport.providers.surfaces import Surface, built_in
from sallyport.secret import Secret


class DeclaredProvider(Provider):
    """Raises ValueError where the declaration names a wire format that nobody knows."""

    def __init__(self, name: str, declaration: Declaration, known: Mapping[str, Surface] | None = None) -> None:
        """`known`: the wire formats there are, by name; None: the built-in ones."""
        self.name = name
        self.secret_names = (declaration.secret,) if declaration.secret else ()
        self.hosts = declaration.known_hosts
        self.name_constraints = tuple(host.removeprefix("*.") for host in self.hosts)
        self.listed_as = declaration.listed_as
        self.free = declaration.free
        self.extra_headers = declaration.headers
        self._auth = declaration.auth
        self._base = _parse(declaration.base_url) if declaration.base_url else None
        mounted = {
            prefix: _surface(name, wire_format, known or built_in()) for prefix, wire_format in declaration.wire_formats.items()
        }
        self._surfaces = tuple(mounted.values())
        closest_first = sorted(mounted, key=len, reverse=True)
        self._routes = Routes(*(route for prefix in closest_first for route in below(prefix, mounted[prefix].routes)))
        self.shared_paths = Routes(*(route for prefix in mounted for route in below(prefix, mounted[prefix].routes))).shared

    @property
    def base_path(self) -> str:
        return f"/providers/{self.name}"

    def host_for(self, path: str) -> str:
        return self._base.host if self._base else ""

    def upstream(self, path: str, host: str | None = None) -> Upstream | None:
        base = self._base
        if host and (base is None or host != base.host):
            return Upstream("https", host, 443)
        return base

    def operation(self, method: str, path: str) -> Operation | None:
        return self._routes.match(method, path)

    def with_model(self, path: str, model: str) -> str | None:
        return self._routes.with_model(path, model)

    def reshapes(self, name: str, value: str) -> bool:
        return any(surface.reshapes(name, value) for surface in self._surfaces)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        key = secret.reveal()
        return {"authorization": f"Bearer {key}"} if self._auth == "bearer" else {self._auth: key}

    def error(self, status: int, message: str) -> ErrorAnswer:
        """In the shape of the wire format that is named first."""
        return self._surfaces[0].error(status, message)


def shipped() -> Iterator[tuple[str, Declaration]]:
    """Those that come with the gateway, by name."""
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        name, dot, kind = file.name.rpartition(".")
        if dot and kind == "toml":
            yield name, Declaration.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))


def _surface(provider: str, wire_format: str, known: Mapping[str, Surface]) -> Surface:
    if wire_format not in known:
        raise ValueError(f"providers.{provider}.wire_formats: {wire_format!r} is no wire format; known are {', '.join(known)}")
    return known[wire_format]


def _parse(url: str) -> Upstream:
    parts = urlsplit(url)
    return Upstream(parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
