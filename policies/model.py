"""A policy, as stored and as the admin API speaks it. Pure data; what each type decides stands in its own file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SUBJECT_KEYS = ("organization_id", "workspace_id", "user_id", "api_key_id")
"""Broadest first: the order in which policies are evaluated."""
_HEADER = "header:"
_OTHER = re.compile(r"[^a-z0-9_]")


def header_name(name: str) -> str:
    """The one spelling of an `X-Gateway-*` header's name (given without that prefix): `Team-Name`, `team.name` → `team_name`."""
    return _OTHER.sub("_", name.lower())


def canonical_key(key: str) -> str:
    """A matcher key in the one spelling that is compared and counted: `header:Team-Name` → `header:team_name`."""
    return _HEADER + header_name(key.removeprefix(_HEADER)) if key.startswith(_HEADER) else key


def key_order(key: str) -> tuple[int, str]:
    """Sorts matcher keys broadest first."""
    return (SUBJECT_KEYS.index(key) if key in SUBJECT_KEYS else len(SUBJECT_KEYS), canonical_key(key))


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a call is judged as: the caller's ids, and its `X-Gateway-*` headers by their `header_name`."""

    organization_id: str
    workspace_id: str
    user_id: str | None
    api_key_id: str | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def get(self, key: str) -> str | None:
        """The value a canonical matcher key names, or None: `workspace_id`, `header:team`, …"""
        if key.startswith(_HEADER):
            return self.headers.get(key.removeprefix(_HEADER))
        return getattr(self, key) if key in SUBJECT_KEYS else None


@dataclass(frozen=True, slots=True)
class Matcher:
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Policy:
    """`config` is what the type's own `validate` returned; see the files beside this one.

    Matchers of one key are a group: any of their values will do. Those of different keys must all hold.
    """

    id: str
    organization_id: str
    name: str
    policy_type: str
    action: str
    matchers: tuple[Matcher, ...]
    config: Mapping[str, Any]
    enabled: bool = True
    priority: int = 0
    wanted: tuple[tuple[str, frozenset[str]], ...] = field(init=False, repr=False, compare=False)
    """Canonical key → its values, broadest key first."""

    def __post_init__(self) -> None:
        keys = sorted({canonical_key(matcher.key) for matcher in self.matchers}, key=key_order)
        values = ((key, frozenset(m.value for m in self.matchers if canonical_key(m.key) == key)) for key in keys)
        object.__setattr__(self, "wanted", tuple(values))

    def matches(self, subject: Subject) -> bool:
        """The value "" (default policies) holds for every subject that has the key at all."""
        if not self.enabled or subject.organization_id != self.organization_id:
            return False
        for key, values in self.wanted:
            value = subject.get(key)
            if value is None or (value not in values and "" not in values):
                return False
        return True

    @property
    def breadth(self) -> tuple[int, int, str]:
        """Sorts policies broadest first, then by priority."""
        ranks = [SUBJECT_KEYS.index(m.key) if m.key in SUBJECT_KEYS else len(SUBJECT_KEYS) for m in self.matchers]
        return (max(ranks, default=0), -self.priority, self.id)


class PolicyError(ValueError):
    """A policy is invalid; the message names the field, says what is wrong and what would be right."""
