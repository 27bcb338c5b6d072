"""A workspace's fallback chains: where a call goes when its provider fails. Checked when stored, read into the snapshot.

```
[{"when": {"provider": "anthropic", "model": "claude-sonnet-*"},
  "then": [{"model": "claude-haiku-4-5"}, {"provider": "fireworks", "model": "accounts/fireworks/models/glm-4p6"}],
  "on_status": [429, 529], "on_transport_error": true, "first_byte_timeout_seconds": 20}]
```
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sallyport.store import checks
from sallyport.store.errors import Invalid

ON_STATUS = (429, 500, 502, 503, 504, 529)
"""What a provider's trouble looks like, where a chain does not say; 529 is Anthropic's `overloaded_error`."""
_MOST_CHAINS = 100
_MOST_TARGETS = 5
_LONGEST_WAIT = 600.0


@dataclass(frozen=True, slots=True)
class Target:
    provider: str
    model: str | None
    """None: the model that the caller asked for."""


@dataclass(frozen=True, slots=True)
class Chain:
    provider: str
    model: str
    """A pattern, as in `model_access`: `*` stands for any characters."""
    then: tuple[Target, ...]
    on_status: frozenset[int]
    on_transport_error: bool
    first_byte_timeout: float | None
    """Seconds; None: an answer is waited for."""


def chains(stored: Iterable[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """What `checked` returned, as the data plane uses it."""
    return tuple(
        Chain(
            provider=entry["when"]["provider"],
            model=entry["when"]["model"],
            then=tuple(Target(target["provider"], target["model"]) for target in entry["then"]),
            on_status=frozenset(entry["on_status"]),
            on_transport_error=entry["on_transport_error"],
            first_byte_timeout=entry["first_byte_timeout_seconds"],
        )
        for entry in stored
    )


def checked(field: str, value: object) -> list[dict[str, Any]]:
    """The chains as stored, with every field named. Raises Invalid, naming the field."""
    entries = _list(field, value, 0, _MOST_CHAINS, "chains")
    return [_chain(f"{field}[{number}]", entry) for number, entry in enumerate(entries)]


def _chain(field: str, value: object) -> dict[str, Any]:
    known = ("when", "then", "on_status", "on_transport_error", "first_byte_timeout_seconds")
    fields = _object(field, value, *known)
    when = _object(f"{field}.when", fields.get("when"), "provider", "model")
    provider = _provider(f"{field}.when.provider", when.get("provider"))
    targets = _list(f"{field}.then", fields.get("then"), 1, _MOST_TARGETS, "targets")
    statuses = _list(f"{field}.on_status", fields.get("on_status", list(ON_STATUS)), 0, 100, "statuses")
    return {
        "when": {"provider": provider, "model": checks.text(f"{field}.when.model", when.get("model", "*"))},
        "then": [_target(f"{field}.then[{number}]", target, provider) for number, target in enumerate(targets)],
        "on_status": sorted({_status(f"{field}.on_status[{number}]", status) for number, status in enumerate(statuses)}),
        "on_transport_error": checks.flag(f"{field}.on_transport_error", fields.get("on_transport_error", True)),
        "first_byte_timeout_seconds": _seconds(f"{field}.first_byte_timeout_seconds", fields.get("first_byte_timeout_seconds")),
    }


def _target(field: str, value: object, first: str) -> dict[str, Any]:
    fields = _object(field, value, "provider", "model")
    provider = _provider(f"{field}.provider", fields.get("provider", first))
    model = checks.optional_text(f"{field}.model", fields.get("model"))
    if provider == first:
        if model is None:
            raise Invalid(f"{field} must name a model, or another provider than {first}")
    elif provider not in (able := _same_format(first)):
        others = f"those that do are {', '.join(able)}" if able else "no other does"
        raise Invalid(f"{field}.provider: {provider} serves no format of {first}, so that it can't take its calls; {others}")
    return {"provider": provider, "model": model}


def _same_format(first: str) -> list[str]:
    from sallyport.providers import PROVIDERS  # slow to import, and only those who set chains need it

    def formats(name: str) -> set[tuple[str, type]]:
        provider = PROVIDERS[name]
        found = ((name, provider.operation("POST", path)) for name, path in provider.shared_paths.items())
        return {(name, type(operation.wire)) for name, operation in found if operation}

    return sorted(name for name in PROVIDERS if name != first and formats(name) & formats(first))


def _provider(field: str, value: object) -> str:
    from sallyport.providers import PROVIDERS

    return checks.choice(field, value, *PROVIDERS)


def _status(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 400 <= value <= 599:
        raise Invalid(f"{field} must be a status from 400 to 599, not {value!r}")
    return value


def _seconds(field: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST_WAIT:
        raise Invalid(f"{field} must be a number of seconds up to {_LONGEST_WAIT:.0f}, or null to wait for an answer")
    return float(value)


def _object(field: str, value: object, *known: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise Invalid(f"{field} must be an object with {', '.join(known)}")
    fields = cast(Mapping[str, object], value)
    for name in fields:
        if name not in known:
            raise Invalid(f"{field}.{name} is not known; what is known is {', '.join(known)}")
    return fields


def _list(field: str, value: object, least: int, most: int, what: str) -> list[object]:
    entries = cast(list[object], value) if isinstance(value, list) else None
    if entries is None or not least <= len(entries) <= most:
        raise Invalid(f"{field} must be a list of {least} to {most} {what}")
    return entries
