"""What a webhook is sent: our own JSON, or Slack's; signed as Stripe signs its own."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import unquote

import orjson

from sallyport.money import nano_to_usd
from sallyport.secret import Secret
from sallyport.spend.ledger.calls import iso
from sallyport.spend.windows import window_end
from sallyport.store.alert_tables import AlertRow

Kind = Literal["generic", "slack"]
SIGNATURE = "X-Sallyport-Signature"
TEST: dict[str, Any] = {"type": "test", "text": "A test of Sallyport's budget alerts: this webhook works."}


def alert_json(alert: AlertRow) -> dict[str, Any]:
    """An alert as a webhook and the admin API show it."""
    return {
        "id": alert.id,
        "type": "spend.threshold",
        "at": iso(alert.at),
        "organization_id": alert.organization_id,
        "policy": {"id": alert.policy_id, "name": alert.policy_name},
        "subject": subject_json(alert.subject),
        "window": alert.window,
        "window_start": iso(alert.window_start),
        "window_end": iso(window_end(alert.window, alert.window_start)),
        "threshold_percent": alert.percent,
        "spend_usd": nano_to_usd(alert.spend_nano),
        "limit_usd": nano_to_usd(alert.limit_nano),
    }


def subject_json(field: str) -> dict[str, str | list[str]]:
    """`workspace_id=w&user_id=ada|ben` as an object; a group is a list."""
    found: dict[str, str | list[str]] = {}
    for part in field.split("&"):
        key, _, text = part.partition("=")
        values = [unquote(value) for value in text.split("|")]
        found[key] = values[0] if len(values) == 1 else values
    return found


def body(kind: Kind, content: dict[str, Any]) -> bytes:
    """`content`: of `alert_json`, or TEST."""
    return orjson.dumps({"text": slack_text(content)} if kind == "slack" else content)


def slack_text(content: dict[str, Any]) -> str:
    """Slack's mrkdwn; what others wrote is escaped (https://docs.slack.dev/messaging/formatting-message-text)."""
    if content["type"] == "test":
        return content["text"]
    subject = ", ".join(
        f"{key} {value if isinstance(value, str) else ' + '.join(value)}" for key, value in content["subject"].items()
    )
    spent, limit = (Decimal(content[name]) for name in ("spend_usd", "limit_usd"))
    ends = datetime.fromisoformat(content["window_end"]).astimezone(UTC)
    head = f"*{_escaped(content['policy']['name'])}*: {content['threshold_percent']} % reached"
    return f"{head} by {_escaped(subject)}: ${spent:,.2f} of ${limit:,.2f} {content['window']}, until {ends:%Y-%m-%d %H:%M} UTC"


def signature(secret: Secret, sent: bytes, now: float) -> str:
    """`t=<UTC seconds>,v1=<hex HMAC-SHA256 of "t.body">`: the receiver works it out again, and refuses old times."""
    at = str(int(now))
    return f"t={at},v1={hmac.digest(secret.reveal().encode(), at.encode() + b'.' + sent, 'sha256').hex()}"


def _escaped(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("*", "∗"), ("\n", " ")):
        text = text.replace(character, entity)
    return text
