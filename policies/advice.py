"""What an admin can do about a policy that fired, in one sentence or two."""

from __future__ import annotations

_BLOCKED = {
    "spend_cap": "Raise the cap's limit, or wait for the end of its window; look at the calls if the spend is a surprise.",
    "rate_limit": "Slow the caller down, or raise the limit.",
    "model_access": "Add the model to the policy's list if the caller should have it; else tell the caller which models to use.",
    "guard": "The text could not be checked in time: raise the guard's `timeout_seconds`, run more NER processes, or let "
    "`on_timeout` and `on_error` be `allow`.",
}
_REDACTED = (
    "Nothing leaked: placeholders were sent. Find out where the values come from; a secret that reached a prompt should be "
    "replaced at its vendor."
)


def advice(policy_type: str, action: str) -> str:
    """`policy_type` as policies have it, `action` `blocked` or `redacted`."""
    if action == "redacted":
        return _REDACTED
    return _BLOCKED.get(policy_type.removeprefix("default_"), "Look at the policy and at the call that it fired on.")
