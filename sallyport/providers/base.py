"""The provider contract: everything the pipeline must know of an LLM vendor.

One file per provider implements `Provider`. What several providers share, the shape of a request and of the usage in an answer,
is a `WireFormat` in `providers/wire/`. Neither knows anything of mitmproxy, of callers or of money.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from sallyport.providers.deltas import Deltas
from sallyport.providers.usage import File, Meter, Usage
from sallyport.secret import Secret
from sallyport.upstream_proxy import UpstreamProxy

if TYPE_CHECKING:
    from sallyport.providers.signing import Signer
    from sallyport.providers.sockets import SocketFormat

JsonObject = dict[str, Any]

MOST_OUTPUT_TOKENS = 128_000
"""What a request without an output cap is taken to allow for each answer: the largest that common models give."""


class WireFormat(ABC):
    """The shape of requests and answers of one API family (OpenAI chat, Anthropic messages, …)."""

    name: ClassVar[str]

    protected_keys: ClassVar[frozenset[str]] = frozenset()
    """JSON object keys whose values redaction leaves alone in this format (model names, ids, roles, media, signatures)."""
    user_data_keys: frozenset[str] = frozenset()
    """Keys that hold the user's own data (tool arguments): nothing beneath them is protected, whatever it is called."""

    def protects(self, key: str, parent: JsonObject) -> bool:
        """Whether redaction must leave `parent[key]` as it is. Not asked beneath `user_data_keys`.

        An object or list is never protected, only looked into: a JSON schema may have a property called `name`.
        """
        return key in self.protected_keys and isinstance(parent.get(key), str)

    def model(self, body: JsonObject) -> str | None:
        value = body.get("model")
        return value if isinstance(value, str) else None

    def wants_stream(self, body: JsonObject) -> bool:
        return body.get("stream") is True

    @abstractmethod
    def output_cap(self, body: JsonObject) -> int | None:
        """The most output tokens this request allows, if it says so."""

    def counted(self, body: JsonObject) -> bool:
        """Whether the answer will name what it costs, or `estimate` tells."""
        return True

    def estimate(self, body: JsonObject, size: int, files: Sequence[File], *, worst: bool) -> Usage | None:
        """What a call of this format uses, where that can be told from the request: probably, or at `worst`.

        `size`: bytes of the request's text. None: its input by its length, and output as this model lately gave.
        """
        return None

    def prepare(self, body: JsonObject) -> bool:
        """Change the request so that its answer can be metered; True when `body` was changed."""
        return False

    def deltas(self, event: JsonObject) -> Deltas:
        """What an event of a streamed answer says piece by piece; an answer that does not stream has one event."""
        return Deltas()

    @abstractmethod
    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        """A meter for the answer. `headers` are the answer's, names lower case; `prepared` is what `prepare` returned for the
        request (its additions are taken out again)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a known model-API path does."""

    name: str
    """Short and stable: chat, messages, responses, completions, embeddings, generate, converse, invoke, models, …"""
    wire: WireFormat | None = None
    """None: nothing is generated (models, files, …); the call is authenticated and recorded, not metered."""
    model: str | None = None
    """The model, where the path names it."""
    stream: bool = False
    """The path alone says that the answer streams (`:streamGenerateContent`, `/converse-stream`)."""
    shape: WireFormat | None = None
    """Whose shape the request has where nothing is generated (count_tokens): redaction walks it by this."""
    uncounted: bool = False
    """It costs money that its answer does not name, or its model is not known (batches, audio): refused under a spend cap."""
    form: WireFormat | None = None
    """It may be sent as a form (multipart/form-data), which streams: by this its fields, and the text in its files, are read."""
    socket: SocketFormat | None = None
    """The path opens a WebSocket, whose turns are the calls; it is nothing without an upgrade."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a call goes: scheme, host, port and a path prefix ("" or "/…", no slash at its end)."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @property
    def authority(self) -> str:
        """The host, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A refusal in the provider's own shape."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the operator says that a provider may have to know."""

    bedrock_region: str = "us-east-1"
    """That of base-path calls."""
    ca_bundle: Path | None = None
    """Roots for a token service; None: the usual ones."""
    proxy: UpstreamProxy | None = None
    """The way to it; None: directly."""
    workload_token_dirs: tuple[Path, ...] = ()
    """Where a workload identity's own token may lie."""


class Provider(ABC):
    """One LLM vendor endpoint family."""

    name: str
    secret_names: tuple[str, ...]
    """The workspace secrets that may hold the vendor credential: the first one set is used. Empty: it takes none."""
    hosts: tuple[str, ...]
    """Host names that are this provider's, lower case; `*` stands for letters, digits or hyphens, `?` for one letter.
    Whoever can answer under one of them is handed the provider's credential."""
    name_constraints: tuple[str, ...]
    """The DNS domains the CA may sign for because of this provider; they cover `hosts` (in every region known at release)."""
    token_service: str | None = None
    """By which name `--upstream` moves the vendor's token service; None: it moves with the provider."""
    listed_as: str | None = None
    """Its id in the price list; None: not listed, so that its calls cost as the dearest of all do."""
    own_logins: bool = False
    """Its calls are made with the user's own log-in: there is no key that a workspace could hold."""
    free: bool = False
    """A call that no price is known for costs nothing: the operator's own machine."""
    extra_headers: Mapping[str, str] = MappingProxyType({})
    """Headers that each model call gets beside the credential."""

    credential_headers: ClassVar[frozenset[str]] = frozenset(
        {
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "api-key",
            "cookie",
            "x-amz-security-token",
            "x-amz-date",
            "x-amz-content-sha256",
        }
    )
    """Every place a client may put a credential, lower case: all are removed before the provider's is put in."""
    credential_query: ClassVar[frozenset[str]] = frozenset({"key", "api_key", "api-key", "access_token"})
    """The same in the query string; SigV4 presigned parameters (X-Amz-*) too where the provider has them."""

    @property
    def keyless(self) -> bool:
        """Whoever reaches it is served."""
        return not self.secret_names and not self.own_logins

    @property
    def base_path(self) -> str:
        """Below which path of the gateway it is reached."""
        return f"/{self.name}"

    def secret_in(self, secrets: Container[str]) -> str | None:
        """Which of its secrets is set."""
        return next((name for name in self.secret_names if name in secrets), None)

    def configure(self, around: Surroundings) -> None:  # noqa: B027 - most providers need none of it
        """Called once at start."""

    @abstractmethod
    def host_for(self, path: str) -> str:
        """The provider's own host for a base-path call with this path (its region may stand in it)."""

    def host_at(self, place: str, path: str) -> str | None:
        """The provider's own host in a region or location that the base path names; None where it can't be one."""
        return None

    def upstream(self, path: str, host: str | None = None) -> Upstream | None:
        """Where a call goes; `host`: the one of `hosts` that the client named. None: only the operator knows (`--upstream`)."""
        return Upstream("https", host or self.host_for(path), 443)

    @abstractmethod
    def operation(self, method: str, path: str) -> Operation | None:
        """What this is, or None for a path that is no model API: it gets no provider key. `path` is raw, without the query."""

    shared_paths: Mapping[str, str] = MappingProxyType({})
    """Operation → its path, for those that other vendors serve in the same format: a fallback chain may lead there."""

    def with_model(self, path: str, model: str) -> str | None:
        """`path` with another model in the place where it names one; None where it can't be."""
        return None

    def reshapes(self, name: str, value: str) -> bool:
        """Whether this query parameter or header (name in lower case) makes an answer that its cost can't be read from."""
        return False

    @abstractmethod
    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        """Headers that authenticate to the provider. `token_endpoint` replaces the vendor's where a token is minted (Vertex).

        Raises CredentialError when the secret can't be used, with a message that holds none of it.
        """

    def signer(self, secret_name: str) -> Signer | None:
        """What signs each request with that secret, in the place of `authorize`; None: the secret itself is shown."""
        return None

    def check_secret(self, secret_name: str, secret: Secret) -> None:  # noqa: B027 - most are taken as they are
        """Whether this can be that secret, when it is set. Raises CredentialError."""

    @abstractmethod
    def error(self, status: int, message: str) -> ErrorAnswer:
        """`message` as this provider's SDKs expect an error of that status."""


class CredentialError(Exception):
    """A provider secret can't be used; the message names the secret and the reason, never its content."""


class CredentialUnavailable(CredentialError):
    """The secret may be good, but the vendor that turns it into a token can't be reached: 502, and a retry may help."""
