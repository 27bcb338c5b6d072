"""Snapshots and policies for the tests of addons."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mitmproxy import http

from policies.model import Matcher, Policy
from sallyport.secret import Secret
from sallyport.store.snapshot import Enrollment, Key, Snapshot, Workspace

MakeFlow = Callable[..., http.HTTPFlow]
"""(method="POST", path=…, *, host=…, origin_form=True, content=…, **headers) → a flow as `requestheaders` gets it."""

KEYS = {"good": "sp_" + "g" * 43, "revoked": "sp_" + "r" * 43, "expired": "sp_" + "e" * 43}


def make_snapshot(
    *, policies: tuple[Policy, ...] = (), enrollments: tuple[Enrollment, ...] = (), version: int = 1, **workspace: Any
) -> Snapshot:
    keys = {
        hashlib.sha256(key.encode()).digest(): Key(
            id=f"key-{name}",
            name=name,
            prefix=key[:8],
            organization_id="default",
            workspace_id="ws",
            user_id="user-1",
            expires_at=1.0 if name == "expired" else None,
            revoked=name == "revoked",
        )
        for name, key in KEYS.items()
    }
    secrets = {"OPENAI_API_KEY": Secret("sk-provider-openai"), "ANTHROPIC_API_KEY": Secret("sk-ant-api03-provider")}
    home = Workspace("ws", "Home", "default", "replace", "none", Secret(os.urandom(32).hex()), secrets)
    return Snapshot(
        version=version,
        keys=keys,
        keys_by_id={key.id: key for key in keys.values()},
        workspaces={"ws": replace(home, **workspace)},
        policies=tuple(sorted(policies, key=lambda policy: policy.breadth)),
        enrollments=enrollments,
    )


def make_policy(policy_type: str, config: dict[str, Any], key: str = "workspace_id", value: str = "ws") -> Policy:
    return Policy(f"p-{policy_type}", "default", f"the {policy_type}", policy_type, "block", (Matcher(key, value),), config)


def known[T](value: T | None) -> T:
    """`value`, which the test knows to be there."""
    assert value is not None
    return value
