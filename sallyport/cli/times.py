"""Times on the command line: UTC, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import click

TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])


def seconds(time: datetime | None) -> float | None:
    """UTC seconds of a time given without a zone."""
    return None if time is None else time.replace(tzinfo=UTC).timestamp()
