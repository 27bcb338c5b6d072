"""Which paths are model API. Strict on purpose: a raw path matches a template to the letter or is none of ours.

The provider key goes out on these paths only, so nothing is decoded or normalised before the match: `//`, `/../`, `%2e`, `;`
and encoded slashes match no template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from sallyport.providers.base import Operation

SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._~-]*"
"""One path segment: no escapes, never empty, never dots alone."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a provider's path table."""

    methods: frozenset[str]
    pattern: re.Pattern[str]
    operation: Operation


def route(methods: str, template: str, operation: Operation, **parts: str) -> Route:
    """`route("GET DELETE", "/v1/files/{id}", …)`. A placeholder is one SEGMENT, or the regex given for it in `parts`.

    What `{model}` matches becomes the operation's model, its escapes decoded.
    """

    def group(name: str) -> str:
        regex = parts.get(name, SEGMENT)
        return f"(?P<model>{regex})" if name == "model" else f"(?:{regex})"

    pieces = _PLACEHOLDER.split(template)  # text and names by turns
    regex = "".join(group(piece) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    return Route(frozenset(methods.split()), re.compile(regex), operation)


class Routes:
    """A provider's path table, tried in order."""

    def __init__(self, *routes: Route) -> None:
        self._routes = routes

    def match(self, method: str, path: str) -> Operation | None:
        for entry in self._routes:
            if method not in entry.methods:
                continue
            match = entry.pattern.fullmatch(path)
            if match:
                model = match.groupdict().get("model")
                return entry.operation if model is None else replace(entry.operation, model=unquote(model))
        return None
