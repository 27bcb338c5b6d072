"""Audit rows and invocations as events of the Open Cybersecurity Schema Framework: class API Activity, for a SIEM.

Source: https://schema.ocsf.io/1.3.0/classes/api_activity.
"""

from __future__ import annotations

from typing import Any

from sallyport.store.call_tables import CallRow
from sallyport.store.models import AuditEntry
from sallyport.version import VERSION

type Event = dict[str, Any]

_CATEGORY, _CLASS = 6, 6003  # Application Activity, API Activity
_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_ACTIVITIES = {
    "create": _CREATE, "register": _CREATE, "comment": _CREATE, "preset": _CREATE, "first_start": _CREATE,
    "update": _UPDATE, "put": _UPDATE, "rotate": _UPDATE, "delete": _DELETE, "revoke": _DELETE,
}  # fmt: skip
_PRODUCT = {"name": "Sallyport", "vendor_name": "Sallyport", "version": VERSION}
_INFORMATIONAL, _LOW = 1, 2
_SUCCESS, _FAILURE = 1, 2


def change_event(entry: AuditEntry) -> Event:
    """One admin operation. Its hashes are in `unmapped`."""
    return _event(
        activity=_ACTIVITIES.get(entry.operation.rpartition(".")[2], _OTHER),
        at=entry.at,
        uid=str(entry.seq),
        success=entry.success,
        actor={"user": {"name": entry.actor, "type_id": 2, "type": "Admin"}},
        source_ip=entry.source_ip,
        operation=entry.operation,
        resource=(entry.resource_type, entry.resource_id),
        unmapped={
            "before": entry.before,
            "after": entry.after,
            "workspace_id": entry.workspace_id,
            "prev_hash": entry.prev_hash,
            "hash": entry.hash,
        },
    )


def invocation_event(call: CallRow) -> Event:
    """One call to a provider, or its refusal: the caller, and the policies that it was judged by."""
    return _event(
        activity=_OTHER,
        at=call.started_at,
        uid=call.id,
        success=call.outcome == "success",
        actor={"user": {"uid": call.user_id, "uid_alt": call.api_key_id, "type_id": 1, "type": "User"}},
        source_ip=call.client_ip,
        operation="gateway.invoke",
        resource=("model", f"{call.provider or '-'}/{call.model or '-'}"),
        unmapped={
            "organization_id": call.organization_id,
            "workspace_id": call.workspace_id,
            "operation": call.operation,
            "outcome": call.outcome,
            "reason": call.reason,
            "matched_policy_ids": [policy["id"] for policy in call.matched],
            "violated_policy_ids": [policy["id"] for policy in call.violated],
            "redactions": call.redactions,
        },
        code=call.status,
    )


def _event(
    *,
    activity: int,
    at: float,
    uid: str,
    success: bool,
    actor: dict[str, Any],
    source_ip: str | None,
    operation: str,
    resource: tuple[str, str | None],
    unmapped: dict[str, Any],
    code: int | None = None,
) -> Event:
    kind, name = resource
    return {
        "category_uid": _CATEGORY,
        "category_name": "Application Activity",
        "class_uid": _CLASS,
        "class_name": "API Activity",
        "activity_id": activity,
        "type_uid": _CLASS * 100 + activity,
        "time": int(at * 1000),
        "severity_id": _INFORMATIONAL if success else _LOW,
        "status_id": _SUCCESS if success else _FAILURE,
        "status_code": None if code is None else str(code),
        "metadata": {"version": "1.3.0", "uid": uid, "product": _PRODUCT},
        "actor": actor,
        "api": {"operation": operation, "service": {"name": "sallyport"}},
        "src_endpoint": {"ip": source_ip},
        "resources": [{"type": kind, "name": name}],
        "unmapped": unmapped,
    }
