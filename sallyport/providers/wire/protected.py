"""What redaction never changes, common to all formats. Short on purpose: whatever is not listed is looked at."""

from __future__ import annotations

from typing import Any

PROTECTED = frozenset({"id", "model", "name", "role", "type"})
"""Identifiers that an API matches to the letter: ids, the model, names of tools, roles, kinds."""


def is_data_url(value: Any) -> bool:
    """Media written into a URL field, `data:image/png;base64,…`."""
    return isinstance(value, str) and value.startswith("data:") and ";base64," in value[:200]
