"""Which paths are model API. Strict on purpose: a raw path matches a template to the letter or is none of ours.

The provider key goes out on these paths only, so nothing is decoded or normalised before the match: `//`, `/../`, `%2e`, `;`
and encoded slashes match no template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from sallyport.providers.base import Operation

SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._~-]*"
"""One path segment: no escapes, never empty, never dots alone."""
BELOW = rf"(?:/{SEGMENT}(?::[a-zA-Z]+)?)*"
"""A path and all below it: what is stored, its parts, and (`:cancel`, `/cancel`) what is done with it."""

_SHARED = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "messages": "/messages",
    "responses": "/responses",
}
"""Operations of the formats that more vendors than one serve, OpenAI's and Anthropic's, and how their paths end everywhere."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a path table."""

    methods: frozenset[str]
    template: str
    operation: Operation
    parts: Mapping[str, str] = field(default_factory=dict[str, str])


def route(methods: str, template: str, operation: Operation, **parts: str) -> Route:
    """`route("GET DELETE", "/v1/files/{id}", …)`. A placeholder is one SEGMENT, or the regex given for it in `parts`.

    What `{model}` matches becomes the operation's model, its escapes decoded.
    """
    return Route(frozenset(methods.split()), template, operation, parts)


def below(prefix: str, routes: Iterable[Route]) -> Iterator[Route]:
    """The same table under a path prefix, which may have placeholders too."""
    return (replace(entry, template=prefix + entry.template) for entry in routes)


class Routes:
    """A provider's path table, tried in order."""

    def __init__(self, *routes: Route) -> None:
        self._routes = [(entry.methods, _compile(entry), entry.operation) for entry in routes]
        self.shared = {entry.operation.name: path for entry in reversed(routes) if (path := _shared(entry))}
        """Operation → its path, for those that several vendors serve alike; the first in the table counts."""

    def match(self, method: str, path: str) -> Operation | None:
        for methods, pattern, operation in self._routes:
            if method not in methods:
                continue
            match = pattern.fullmatch(path)
            if match:
                model = match.groupdict().get("model")
                return operation if model is None else replace(operation, model=unquote(model))
        return None

    def with_model(self, path: str, model: str) -> str | None:
        """`path` with another model in the place where it names one; None where it names none, or can't name this one."""
        for _, pattern, _ in self._routes:
            match = pattern.fullmatch(path)
            if match and "model" in pattern.groupindex:
                start, end = match.span("model")
                changed = path[:start] + quote(model, safe="@:") + path[end:]
                return changed if pattern.fullmatch(changed) else None
        return None


def _compile(entry: Route) -> re.Pattern[str]:
    def group(name: str) -> str:
        regex = entry.parts.get(name, SEGMENT)
        return f"(?P<model>{regex})" if name == "model" else f"(?:{regex})"

    pieces = _PLACEHOLDER.split(entry.template)  # text and names by turns
    return re.compile("".join(group(piece) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)))


def _shared(entry: Route) -> str | None:
    path, tail = _PLACEHOLDER.sub("", entry.template), _SHARED.get(entry.operation.name)
    if tail is None or not path.endswith(tail) or "POST" not in entry.methods or entry.operation.wire is None:
        return None
    return path if _compile(entry).fullmatch(path) else None
