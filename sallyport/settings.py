"""What an operator may set. One frozen object, made by the command line (flag > environment > config file), for every process."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sallyport.addresses import is_address
from sallyport.declaration import PROVIDER_NAME, Declaration
from sallyport.redaction.rule_declaration import CATEGORY, RuleDeclaration
from sallyport.redis_url import EXAMPLES, is_redis_url
from sallyport.upstream_proxy import UpstreamProxy

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\Z")


class SettingError(Exception):
    """A setting is wrong; the message names it, says why, and what would be right."""


class Address(BaseModel):
    """A host and a TCP port."""

    model_config = ConfigDict(frozen=True)
    host: str
    port: int = Field(ge=0, le=65535)

    @classmethod
    def parse(cls, text: str) -> Address:
        """`127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`. Raises ValueError."""
        try:
            parts = urlsplit(f"//{text}")
            if parts.hostname is None or parts.port is None or parts.path or parts.username is not None:
                raise ValueError
            return cls(host=parts.hostname, port=parts.port)
        except ValueError:
            raise ValueError(f"{text!r} is not HOST:PORT (for example 127.0.0.1:8080)") from None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Settings(BaseModel):
    """Durations are seconds, sizes bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    data_dir: Path = Path("~/.sallyport")
    listen: Address = Address(host="127.0.0.1", port=8080)
    console: Address = Address(host="127.0.0.1", port=8081)
    modes: tuple[str, ...] = ()
    """Further mitmproxy modes (`transparent@8082`, `wireguard`, …), beside the one regular port."""
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    ner_workers: int = Field(default=1, ge=0, le=64)
    redis_url: str | None = None
    """None: a private redis-server on a unix socket in the data dir."""
    database_url: str | None = None
    """None: SQLite in the data dir."""
    upstreams: dict[str, str] = Field(default_factory=dict[str, str])
    """Provider, or token service → base URL its calls go to instead."""
    providers: dict[str, Declaration] = Field(default_factory=dict[str, Declaration])
    """Providers of the operator's own, by name: the tables `[providers.NAME]` of the config file."""
    redaction_rules: dict[str, RuleDeclaration] = Field(default_factory=dict[str, RuleDeclaration], max_length=100)
    """What guards take out with secrets, by category: the tables `[redaction_rules.CATEGORY]` of the config file."""
    upstream_ca: Path | None = None
    upstream_proxy: str | None = None
    """The company's own proxy, which all that leaves goes through. May hold a password."""
    no_proxy: tuple[str, ...] = ()
    """Hosts, domains and networks that are reached without it."""
    names: tuple[str, ...] = ()
    """Further host names and IP addresses under which callers reach this gateway."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tunnel: Literal["allow", "refuse"] = "allow"
    """Hosts that are no provider's: tunnelled for identified callers, or refused."""
    undecrypted: tuple[str, ...] = ()
    """Providers, and hosts of theirs, that are taken for a stranger's in proxy mode. Base paths stay."""
    unknown_paths: Literal["pass", "refuse"] = "pass"
    """Paths of a provider that no API is known for: passed without our key, or refused."""
    challenge_providers: bool = False
    """Answer 407 to a CONNECT to a provider that has no credential (for clients that wait to be asked)."""
    allow_destinations: tuple[str, ...] = ()
    """CIDR networks the tunnel may reach although they are private."""
    bedrock_region: str = "us-east-1"
    """The region of base-path Bedrock calls."""
    workload_token_dirs: tuple[Path, ...] = ()
    """Folders in which the token files of Vertex's workload identities may lie."""
    prices: Path | None = None
    """The operator's own price list, which wins over the built-in one."""
    log_format: Literal["human", "json"] = "human"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    lease_seconds: float = Field(default=30.0, ge=1.0, le=600.0)
    """How long a reservation outlives its worker."""
    drain_seconds: float = Field(default=30.0, ge=0.0, le=3600.0)
    """How long SIGTERM lets calls in flight finish."""
    connect_timeout: float = Field(default=10.0, gt=0, le=300.0)
    response_timeout: float = Field(default=600.0, gt=0, le=3600.0)
    """Longest silence of a provider, before and within an answer."""
    head_timeout: float = Field(default=30.0, gt=0, le=600.0)
    """For a client to bring a TLS handshake or a request's head that it has begun."""
    body_timeout: float = Field(default=60.0, gt=0, le=3600.0)
    """For each 4 KiB of a request's body, while we wait for nothing else."""
    idle_timeout: int = Field(default=600, ge=1, le=86400)
    """How long a connection may be silent on which nothing is asked; tunnels too."""
    max_connections_per_address: int = Field(default=0, ge=0)
    """Of one client address, for each worker; 0: as many as it likes."""
    max_head_bytes: int = Field(default=64 * 1024, ge=1024)
    max_head_fields: int = Field(default=200, ge=10)
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    """Largest request body on a guarded path."""

    @field_validator("data_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("workload_token_dirs")
    @classmethod
    def _expand_all(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(folder.expanduser().absolute() for folder in value)

    @field_validator("redis_url")
    @classmethod
    def _check_redis(cls, value: str | None) -> str | None:
        if value is not None and not is_redis_url(value):
            raise ValueError(f"must be a URL such as {EXAMPLES}")  # it may hold a password
        return value

    @field_validator("upstream_proxy")
    @classmethod
    def _check_upstream_proxy(cls, value: str | None) -> str | None:
        if value is not None:
            UpstreamProxy.parse(value)
        return value

    @field_validator("names")
    @classmethod
    def _check_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not is_address(name) and not _HOST_NAME.match(name):
                raise ValueError(f"{name!r} is neither a host name nor an IP address")
        return value

    @field_validator("upstreams")
    @classmethod
    def _check_upstreams(cls, value: dict[str, str]) -> dict[str, str]:
        for provider, url in value.items():
            parts = urlsplit(url)
            try:
                parts.port  # noqa: B018 - the property raises on a bad port
            except ValueError as error:
                raise ValueError(f"the base URL of {provider} has a bad port: {url!r}") from error
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError(f"the base URL of {provider} must be http(s)://HOST[:PORT][/PATH], not {url!r}")
        return value

    @field_validator("providers")
    @classmethod
    def _check_providers(cls, value: dict[str, Declaration]) -> dict[str, Declaration]:
        for name in value:
            if not PROVIDER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a provider: small letters, digits and -, such as acme-llm")
        return value

    @field_validator("redaction_rules")
    @classmethod
    def _check_rules(cls, value: dict[str, RuleDeclaration]) -> dict[str, RuleDeclaration]:
        for name in value:
            if not CATEGORY.fullmatch(name):
                raise ValueError(f"{name!r} is no category: capital letters and _, such as EMPLOYEE_ID")
        return value

    @field_validator("allow_destinations")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value

    def proxy(self) -> UpstreamProxy | None:
        return UpstreamProxy.parse(self.upstream_proxy, self.no_proxy) if self.upstream_proxy else None
