"""A policy, as stored and as the admin API speaks it. Pure data; what each type decides stands in its own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SUBJECT_KEYS = ("organization_id", "workspace_id", "user_id", "api_key_id")
"""Broadest first: the order in which policies are evaluated."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a call is judged as: the caller's ids, and its `X-Gateway-*` headers (name lower case, prefix dropped, `-` → `_`)."""

    organization_id: str
    workspace_id: str
    user_id: str | None
    api_key_id: str | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def get(self, key: str) -> str | None:
        """The value a matcher key names, or None: `workspace_id`, `header:team`, …"""
        if key.startswith("header:"):
            return self.headers.get(key.removeprefix("header:").lower().replace("-", "_"))
        return getattr(self, key) if key in SUBJECT_KEYS else None


@dataclass(frozen=True, slots=True)
class Matcher:
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Policy:
    """`config` is what the type's own `validate` returned; see the files beside this one."""

    id: str
    organization_id: str
    name: str
    policy_type: str
    action: str
    matchers: tuple[Matcher, ...]
    config: Mapping[str, Any]
    enabled: bool = True
    priority: int = 0

    def matches(self, subject: Subject) -> bool:
        """All matchers hold. A matcher of value "" (default policies) holds for every subject that has the key at all."""
        if not self.enabled or subject.organization_id != self.organization_id:
            return False
        for matcher in self.matchers:
            value = subject.get(matcher.key)
            if value is None or (matcher.value != "" and matcher.value != value):
                return False
        return True

    @property
    def breadth(self) -> tuple[int, int, str]:
        """Sorts policies broadest first, then by priority."""
        ranks = [SUBJECT_KEYS.index(m.key) if m.key in SUBJECT_KEYS else len(SUBJECT_KEYS) for m in self.matchers]
        return (max(ranks, default=0), -self.priority, self.id)


class PolicyError(ValueError):
    """A policy is invalid; the message names the field, says what is wrong and what would be right."""
