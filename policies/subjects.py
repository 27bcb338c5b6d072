"""Whom a policy is about: its matchers, checked, and the name of the one subject they pick out for a call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from policies.model import SUBJECT_KEYS, Matcher, Policy, PolicyError, Subject

MOST_MATCHERS = 10
SCOPES = (*(key.removesuffix("_id") for key in SUBJECT_KEYS), "header")
"""What a policy can be about, broadest first."""
_HEADER = re.compile(r"header:[A-Za-z0-9_-]{1,100}")
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

    `default`: the type makes one child per subject, so at least one value must be empty; elsewhere none may be.
    """
    if len(matchers) > MOST_MATCHERS:
        raise PolicyError(f"subject_matchers: {len(matchers)} are too many; at most {MOST_MATCHERS} are allowed")
    seen: set[str] = set()
    for number, matcher in enumerate(matchers):
        where = f"subject_matchers[{number}]"
        _check_key(where, matcher.key)
        name = canonical_key(matcher.key)
        if name in seen:
            raise PolicyError(f"{where}.key: {matcher.key!r} stands twice; all matchers must hold at once, so give it once")
        seen.add(name)
        _check_value(where, matcher.value, default=default)
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


def canonical_key(key: str) -> str:
    """A matcher key in the one spelling that is compared and counted: `header:Team-Name` → `header:team_name`."""
    return key.lower().replace("-", "_") if key.startswith("header:") else key


def keys_of(matchers: Sequence[Matcher]) -> frozenset[str]:
    return frozenset(canonical_key(matcher.key) for matcher in matchers)


def subject_field(policy: Policy, subject: Subject) -> str:
    """The subject a matching policy counts for, as the counters name it: `workspace_id=…`, several joined by `&`.

    Values are percent-encoded, keys are in a fixed order, so that equal conditions share one counter.
    """
    matchers = policy.matchers
    if len(matchers) == 1:
        return _field(matchers[0].key, subject)
    if not matchers:
        return _field("organization_id", subject)
    return "&".join(_field(matcher.key, subject) for matcher in sorted(matchers, key=_order))


def base_fields(organization_id: str, workspace_id: str | None, user_id: str | None, api_key_id: str | None) -> tuple[str, ...]:
    """The subjects whose spend is always counted, policy or not, broadest first."""
    values = (organization_id, workspace_id, user_id, api_key_id)
    return tuple(f"{key}={quote(value, safe='')}" for key, value in zip(SUBJECT_KEYS, values, strict=True) if value is not None)


def scope_of(policy: Policy) -> str:
    """The narrowest thing the policy is about: organization, workspace, user, api_key or header."""
    if not policy.matchers:
        return "organization"
    return max(policy.matchers, key=_order).key.partition(":")[0].removesuffix("_id")


def _order(matcher: Matcher) -> tuple[int, str]:
    rank = SUBJECT_KEYS.index(matcher.key) if matcher.key in SUBJECT_KEYS else len(SUBJECT_KEYS)
    return (rank, canonical_key(matcher.key))


def _field(key: str, subject: Subject) -> str:
    return f"{canonical_key(key)}={quote(subject.get(key) or '', safe='')}"
