"""Operations on violations: what people decide about a policy that fired."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import select

from sallyport.ids import new_id
from sallyport.store import checks
from sallyport.store.base import Change, Operations
from sallyport.store.call_tables import ViolationCommentRow, ViolationRow
from sallyport.store.errors import Conflict
from sallyport.store.models import Actor, Comment, Triage, TriageState

_STATES = ("open", "acknowledged", "resolved")
_MOST_COMMENTS = 1000


def fingerprint(policy_id: str, action: str, api_key_id: str | None) -> str:
    """What repeats of one violation are counted under: the policy, what it did, and the caller's key."""
    return f"{policy_id} {action} {api_key_id or ''}"


class TriageOperations(Operations):
    def triage_violation(self, actor: Actor, id: str, changes: Mapping[str, Any]) -> Triage:
        """Sets `state` (open, acknowledged, resolved) and `assignee` (anybody's name; None: nobody).

        Once resolved, a violation counts no more repeats: the next call that the policy fires on makes a new one.
        Raises NotFound, Invalid; Conflict when it is to be opened again, and such a new one is there.
        """
        with self._changing(actor, "violation.update", "violation", id, in_snapshot=False) as change:
            checks.known_fields(changes, "state", "assignee")
            row = change.get(ViolationRow, id, "violation")
            change.was(triage_of(row))
            if "state" in changes:
                _set_state(change, row, checks.choice("state", changes["state"], *_STATES))
            if "assignee" in changes:
                row.assignee = checks.optional_text("assignee", changes["assignee"])
            change.after = triage = triage_of(row)
        return triage

    def comment_violation(self, actor: Actor, id: str, text: str) -> Comment:
        """Adds a comment, signed by `actor`. Raises NotFound, Invalid."""
        with self._changing(actor, "violation.comment", "violation", id, in_snapshot=False) as change:
            change.get(ViolationRow, id, "violation")
            row = ViolationCommentRow(
                id=new_id(), violation_id=id, at=time.time(), author=actor.name, text=checks.comment("text", text)
            )
            change.session.add(row)
            change.after = comment = _comment(row)
        return comment

    def list_comments(self, violation_id: str) -> list[Comment]:
        """The comments on a violation, oldest first. Raises NotFound."""
        query = select(ViolationCommentRow).where(ViolationCommentRow.violation_id == violation_id)
        order = (ViolationCommentRow.at, ViolationCommentRow.id)
        with self._reading() as session:
            self._found(session, ViolationRow, violation_id, "violation")
            return [_comment(row) for row in session.scalars(query.order_by(*order).limit(_MOST_COMMENTS))]


def _set_state(change: Change, row: ViolationRow, state: str) -> None:
    row.state = state
    if state == "resolved":
        row.fingerprint = None
        return
    name = fingerprint(row.policy_id, row.action, row.api_key_id)
    newer = change.session.scalar(
        select(ViolationRow.id).where(ViolationRow.fingerprint == name, ViolationRow.id != row.id).limit(1)
    )
    if newer is not None:
        raise Conflict(f"state: it has come again since it was resolved, as violation {newer}")
    row.fingerprint = name


def triage_of(row: ViolationRow) -> Triage:
    """What of a violation people decide."""
    return Triage(row.policy_name, cast(TriageState, row.state), row.assignee)


def _comment(row: ViolationCommentRow) -> Comment:
    return Comment(row.id, row.violation_id, row.at, row.author, row.text)
