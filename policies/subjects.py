"""Whom a policy is about: its matchers, checked, and the name of the one subject they pick out for a call."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

from policies.model import SUBJECT_KEYS, Matcher, Policy, PolicyError, Subject, canonical_key

MOST_KEYS = 10
MOST_MATCHERS = 100
SCOPES = (*(key.removesuffix("_id") for key in SUBJECT_KEYS), "header")
"""What a policy can be about, broadest first."""
_HEADER = re.compile(r"header:[A-Za-z0-9_.-]{1,100}")
_KEYS_ALLOWED = f"{', '.join(SUBJECT_KEYS)} or header:<name>"


def parse_matchers(raw: object) -> tuple[Matcher, ...]:
    """The `subject_matchers` of the admin API: a list of `{"key": …, "value": …}`, not checked further. Raises PolicyError."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise PolicyError('subject_matchers: must be a list of {"key": …, "value": …}')
    matchers: list[Matcher] = []
    for number, entry in enumerate(cast("Sequence[object]", raw)):
        given: Mapping[str, Any] = cast("Mapping[str, Any]", entry) if isinstance(entry, Mapping) else {}
        if set(given) != {"key", "value"}:
            raise PolicyError(f'subject_matchers[{number}]: must be {{"key": …, "value": …}} and nothing else')
        matchers.append(Matcher(given["key"], given["value"]))
    return tuple(matchers)


def check_matchers(matchers: Sequence[Matcher], *, default: bool) -> None:
    """Raise PolicyError unless `matchers` can stand in a policy; no matcher at all means the whole organization.

    A key that stands several times makes a group, which counts as one subject. `default`: the type makes one child per subject,
    so at least one value must be empty; elsewhere none may be.
    """
    if len(matchers) > MOST_MATCHERS:
        raise PolicyError(f"subject_matchers: {len(matchers)} are too many; at most {MOST_MATCHERS} are allowed")
    seen: dict[str, set[str]] = {}
    for number, matcher in enumerate(matchers):
        where = f"subject_matchers[{number}]"
        _check_key(where, matcher.key)
        _check_value(where, matcher.value, default=default)
        values = seen.setdefault(canonical_key(matcher.key), set())
        if matcher.value in values:
            raise PolicyError(f"{where}: {matcher.key!r} with the value {matcher.value!r} stands twice; give it once")
        values.add(matcher.value)
        if "" in values and len(values) > 1:
            raise PolicyError(f'{where}: {matcher.key!r} stands with "" (every subject) and with other values; give either')
    if len(seen) > MOST_KEYS:
        raise PolicyError(f"subject_matchers: {len(seen)} different keys are too many; at most {MOST_KEYS} are allowed")
    if default and all(matcher.value for matcher in matchers):
        raise PolicyError('subject_matchers: a default policy needs a matcher with the value "", one child is made per subject')


def _check_key(where: str, key: object) -> None:
    if not isinstance(key, str) or not (key in SUBJECT_KEYS or _HEADER.fullmatch(key)):
        raise PolicyError(f"{where}.key: {key!r} is not known; use {_KEYS_ALLOWED}")
    if canonical_key(key).startswith("header:x_gateway_"):
        raise PolicyError(
            f"{where}.key: write the header without its X-Gateway- prefix: 'header:{key[len('header:x-gateway-') :]}'"
        )


def _check_value(where: str, value: object, *, default: bool) -> None:
    if not isinstance(value, str):
        raise PolicyError(f"{where}.value: must be a string, not {type(value).__name__}")
    if value == "" and not default:
        raise PolicyError(f'{where}.value: must not be empty; "" (every subject) is for default_spend_cap and default_rate_limit')


def keys_of(matchers: Sequence[Matcher]) -> frozenset[str]:
    return frozenset(canonical_key(matcher.key) for matcher in matchers)


def subject_field(policy: Policy, subject: Subject) -> str:
    """The subject a matching policy counts for, as the counters name it: `workspace_id=…`, several joined by `&`.

    Values are percent-encoded, keys are in a fixed order, so that equal conditions share one counter. A group is one subject:
    `user_id=ada|ben`.
    """
    wanted = policy.wanted or (("organization_id", frozenset({""})),)
    return "&".join([_field(key, values, subject) for key, values in wanted])


def header_names(policies: Iterable[Policy]) -> set[str]:
    """The headers that these policies look at."""
    keys = {key for policy in policies for key, _ in policy.wanted if key not in SUBJECT_KEYS}
    return {key.removeprefix("header:") for key in keys}


def only_subject(policy: Policy) -> Subject:
    """The one subject that a policy without empty values is about; any member, of a group."""
    values = {key: min(members) for key, members in policy.wanted}
    headers = {key.removeprefix("header:"): value for key, value in values.items() if ":" in key}
    ids = (values.get("workspace_id", ""), values.get("user_id"), values.get("api_key_id"))
    return Subject(values.get("organization_id", policy.organization_id), *ids, headers)


def counted_apart(policy: Policy) -> bool:
    """The policy's subject is none of those whose spend is always counted: it is a group, a header or several conditions."""
    return len(policy.matchers) > 1 or any(matcher.key not in SUBJECT_KEYS for matcher in policy.matchers)


@lru_cache(maxsize=4096)
def base_fields(organization_id: str, workspace_id: str | None, user_id: str | None, api_key_id: str | None) -> tuple[str, ...]:
    """The subjects whose spend is always counted, policy or not, broadest first."""
    values = (organization_id, workspace_id, user_id, api_key_id)
    return tuple(f"{key}={_quoted(value)}" for key, value in zip(SUBJECT_KEYS, values, strict=True) if value is not None)


def scope_of(policy: Policy) -> str:
    """The narrowest thing the policy is about: organization, workspace, user, api_key or header."""
    if not policy.matchers:
        return "organization"
    return policy.wanted[-1][0].partition(":")[0].removesuffix("_id")


def _field(key: str, values: Collection[str], subject: Subject) -> str:
    named = sorted(values) if len(values) > 1 else [subject.get(key) or ""]
    return f"{key}={'|'.join([quote(value, safe='') for value in named])}"


@lru_cache(maxsize=4096)
def _quoted(value: str) -> str:
    return quote(value, safe="")
