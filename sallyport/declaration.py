"""A provider in data instead of code: what a file in `providers/declared/`, or `[providers.NAME]` in the config file, may say."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sallyport.addresses import is_address

PROVIDER_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

_HOST = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*")
_PREFIX = re.compile(r"(?:/(?:[A-Za-z0-9][A-Za-z0-9._~-]*|\{model\}))*")
_SECRET = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class Declaration(BaseModel):
    """One provider. Its name stands outside: it is the file's, or the table's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str | None = None
    """`https://HOST[:PORT]`. None: the operator's own endpoint, which `--upstream NAME=URL` tells."""
    hosts: tuple[str, ...] = ()
    """Host names by which it is known in proxy mode, beside the base URL's; a first label `*` stands for any one."""
    secret: str | None = None
    """The workspace secret that holds its credential."""
    auth: Literal["bearer", "x-api-key", "api-key", "none"] = "bearer"
    """Where the credential goes: `Authorization: Bearer`, or the header of that name."""
    wire_formats: dict[str, str] = Field(min_length=1)
    """Path prefix → the wire format spoken below it. The prefix is the path of the base URL that the format's SDK is given
    (`/v1` for OpenAI's); `{model}` in it names the model."""
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    """Headers that each model call gets."""
    listed_as: str | None = None
    """Its id in the price list, `genai-prices`. None: no price is known but those of the operator's own file."""
    free: bool = False
    """What it does costs nothing by the token: the operator's own machine. A price in the operator's file wins all the same."""

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - the property raises on a bad port
        except ValueError:
            raise ValueError(f"{value!r} is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError(f"must be http(s)://HOST[:PORT], not {value!r}")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"must be http(s)://HOST[:PORT] alone, not {value!r}: its path goes into wire_formats")
        return value

    @field_validator("hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no host name in lower case, such as api.example.com or *.llm.example.com")
        return value

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, value: str | None) -> str | None:
        if value is not None and not _SECRET.fullmatch(value):
            raise ValueError(f"{value!r} is no name of a secret: capital letters, digits and _, such as ACME_API_KEY")
        return value

    @field_validator("wire_formats")
    @classmethod
    def _check_prefixes(cls, value: dict[str, str]) -> dict[str, str]:
        for prefix in value:
            if not _PREFIX.fullmatch(prefix):
                raise ValueError(f'{prefix!r} is no path prefix such as "", "/v1" or "/openai/deployments/{{model}}"')
        return value

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
                raise ValueError(f"{name}: {text!r} is no header")
        return value

    @model_validator(mode="after")
    def _check_credential(self) -> Declaration:
        if (self.secret is None) != (self.auth == "none"):
            raise ValueError('secret: name the secret that holds the credential, or say auth = "none" where it takes none')
        return self

    @property
    def known_hosts(self) -> tuple[str, ...]:
        """All its host names. An address, and a name of one label, is nobody's in proxy mode: it may be anyone's."""
        own = (urlsplit(self.base_url).hostname or "") if self.base_url else ""
        named = _HOST.fullmatch(own) is not None and not is_address(own)
        return tuple(dict.fromkeys((*((own,) if named else ()), *self.hosts)))
