"""Answers that fit a JSON schema, for requests that ask for one: the least that does."""

from __future__ import annotations

from typing import Any


def example(schema: dict[str, Any]) -> object:
    """A value of the schema: what is required, the first of what may be chosen from. Google spells types in capitals."""
    if schema.get("enum"):
        return schema["enum"][0]
    match str(schema.get("type", "object")).lower():
        case "object":
            properties: dict[str, Any] = schema.get("properties") or {}
            required: list[str] = schema.get("required") or list(properties)
            return {name: example(properties.get(name, {"type": "string"})) for name in required}
        case "array":
            return [example(schema.get("items") or {"type": "string"}) for _ in range(schema.get("minItems") or 0)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "text"
