"""Policies in a file: reading them, and what they would change."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from policies.model import Matcher, Policy
from sallyport.cli.admin import actor, every, find_key, find_user, find_workspace
from sallyport.cli.commands import BadInput
from sallyport.store.errors import Invalid
from sallyport.store.models import StoredPolicy
from sallyport.store.operations import Store
from sallyport.store.policies import whole_policy
from sallyport.store.tenants import DEFAULT

_SHOWN = ("name", "policy_type", "action", "subject_matchers", "config", "enabled", "priority")


def read_policies(store: Store, file: Path) -> list[dict[str, Any]]:
    """Each whole and valid, users, workspaces and keys by their ids. Raises BadInput."""
    return [_checked(store, fields, f"{file}: policy {number}") for number, fields in enumerate(_read(file), 1)]


def policies_of(wanted: Sequence[Mapping[str, Any]]) -> tuple[Policy, ...]:
    """As a worker would decide by them, broadest first."""
    made = (
        Policy(
            id=str(number),
            organization_id=DEFAULT,
            name=fields["name"],
            policy_type=fields["policy_type"],
            action=fields["action"],
            matchers=tuple(Matcher(entry["key"], entry["value"]) for entry in fields["subject_matchers"]),
            config=fields["config"],
            enabled=fields["enabled"],
            priority=fields["priority"],
        )
        for number, fields in enumerate(wanted, 1)
    )
    return tuple(sorted(made, key=lambda policy: policy.breadth))


@dataclass(frozen=True, slots=True)
class Change:
    verb: Literal["add", "change", "keep", "delete"]
    before: StoredPolicy | None
    after: Mapping[str, Any] | None

    def text(self) -> str:
        """For people: `~ Team budget: config {…} → {…}`."""
        if self.after is None:
            return f"- {self.before.name if self.before else ''}"
        if self.before is None:
            return f"+ {self.after['name']}: {self.after['policy_type']} {json.dumps(self.after['config'])}"
        old = asdict(self.before)
        parts = [
            f"{field} {json.dumps(old[field])} → {json.dumps(self.after[field])}"
            for field in _SHOWN
            if old[field] != self.after[field]
        ]
        return f"~ {self.before.name}: {', '.join(parts)}"

    def row(self) -> dict[str, Any]:
        """For scripts."""
        before = {field: getattr(self.before, field) for field in _SHOWN} if self.before else None
        return {"verb": self.verb, "id": self.before.id if self.before else None, "before": before, "after": self.after}

    def make(self, store: Store) -> dict[str, Any] | None:
        """Makes the change; the answer is the policy as it is then, None for a deleted one."""
        if self.after is None:
            if self.before is not None:
                store.delete_policy(actor(), self.before.id)
            return None
        if self.verb == "keep" and self.before is not None:
            return asdict(self.before)
        return asdict(store.create_policy(actor(), self.after))


def plan(store: Store, wanted: Sequence[Mapping[str, Any]], *, prune: bool) -> list[Change]:
    """What makes the store's policies those of `wanted`; with `prune` those alone."""
    changes: list[Change] = []
    for fields in wanted:
        before = store.same_policy(fields)
        same = before is not None and all(getattr(before, field) == fields[field] for field in _SHOWN)
        changes.append(Change("add" if before is None else "keep" if same else "change", before, fields))
    if prune:
        kept = {change.before.id for change in changes if change.before}
        changes += [Change("delete", policy, None) for policy in every(store.list_policies) if policy.id not in kept]
    return changes


def _checked(store: Store, fields: dict[str, Any], where: str) -> dict[str, Any]:
    """Raises BadInput."""
    try:
        whole_policy(fields)
        return whole_policy(with_ids(store, fields))
    except (Invalid, BadInput) as error:
        raise BadInput(f"{where} ({fields.get('name', 'without a name')}): {error}") from None


def with_ids(store: Store, fields: dict[str, Any]) -> dict[str, Any]:
    """People name users, workspaces and keys; a matcher holds their id, and one of nobody would silently never match.

    Raises BadInput.
    """
    finders = {"user_id": find_user, "workspace_id": find_workspace, "api_key_id": find_key}
    matchers = [
        {**matcher, "value": finders[matcher["key"]](store, matcher["value"]).id}
        if matcher["value"] and matcher["key"] in finders
        else matcher
        for matcher in fields.get("subject_matchers", ())
    ]
    return {**fields, "subject_matchers": matchers}


def _read(file: Path) -> list[dict[str, Any]]:
    """Raises BadInput."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not UTF-8 text") from None
    try:
        content: Any = tomllib.loads(text) if file.suffix == ".toml" or text.lstrip()[:1] not in ("[", "{") else json.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{file} is neither JSON nor TOML: {error}") from None
    if isinstance(content, dict):
        content = cast(dict[str, Any], content).get("policies", [content])
    policies = cast(list[dict[str, Any]], content)
    if not isinstance(content, list) or not all(isinstance(policy, dict) for policy in cast(list[object], content)):
        raise BadInput(f"{file} must be a list of policies: [{{…}}, {{…}}] in JSON, [[policies]] in TOML")
    return policies
