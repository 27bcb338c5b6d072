"""What a caller says of a call in `X-Gateway-*` headers and the JSON of `X-Gateway-Metadata`: for policies and the ledger.

As LangSmith's gateway reads them (https://docs.langchain.com/langsmith/llm-gateway-header-policies); the bounds are ours, for the
ledger and the counters hold whatever stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from addons.refusal import Refusal
from policies.model import header_name

_PREFIX = b"x-gateway-"
_METADATA = "metadata"
_RESERVED = frozenset({
    "key", "organization_id", "workspace_id", "workspace_handle", "user_id", "user_email",
    "api_key_id", "api_key_short", "auth_mode", "user_agent", "applied_policy_ids",
})  # fmt: skip
"""Who calls is for the gateway to say."""
_MOST = 32
_LONGEST_NAME = 100
_LONGEST_VALUE = 256


def gateway_headers(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str] | Refusal:
    """Header name (`header_name`) → value, of a request's raw header fields. A header wins over a key of the metadata."""
    found: dict[str, str] = {}
    metadata: dict[str, str] = {}
    for raw_name, raw_value in fields:
        if raw_name[: len(_PREFIX)].lower() != _PREFIX:
            continue
        name = header_name(raw_name[len(_PREFIX) :].decode("latin-1"))
        value = raw_value.decode("utf-8", "replace")  # what is no text can be stored nowhere
        if name == _METADATA:
            try:
                metadata = dict(_entries(value))
            except ValueError:
                return Refusal(400, "gateway_headers", "X-Gateway-Metadata is not a JSON object.")
        elif name not in _RESERVED:
            found[name] = value
    return _bounded(metadata | found)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """The texts, numbers and booleans of a JSON object; what holds others can't be matched. Raises ValueError."""
    content = orjson.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    for key, value in content.items():
        name = header_name(key)
        if name not in _RESERVED and isinstance(value, str | int | float):
            yield name, value.replace("\0", "\ufffd") if isinstance(value, str) else orjson.dumps(value).decode()


def _bounded(headers: dict[str, str]) -> dict[str, str] | Refusal:
    if len(headers) > _MOST:
        return _too_large(f"{len(headers)} X-Gateway-* headers and keys of X-Gateway-Metadata are more than {_MOST}")
    for name, value in headers.items():
        if len(name) > _LONGEST_NAME:
            return _too_large(f"the name of X-Gateway-{name[:20]}… is longer than {_LONGEST_NAME} characters")
        if len(value) > _LONGEST_VALUE:
            return _too_large(f"the value of X-Gateway-{name} is longer than {_LONGEST_VALUE} characters")
    return headers


def _too_large(what: str) -> Refusal:
    return Refusal(431, "gateway_headers", f"{what}; send less.")
