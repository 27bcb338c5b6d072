"""How an answer goes out: at once or as a stream, in time, late, cut, or never."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sallyport.standin.script import Refusal, Script

JsonObject = dict[str, Any]


class Cut(Exception):
    """Raised inside a started answer: the server closes the connection without ending the answer in form."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a family sees it."""

    method: str
    path: str
    """As it was sent, percent-encoded, without the query and without a first segment that names the family."""
    query: QueryParams
    headers: Headers
    body: bytes

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded; a slash inside a part was `%2F`."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    def json(self) -> JsonObject:
        """The body. Raises Refusal(400) where it is no JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            raise Refusal(400, "We could not parse the JSON body of your request.") from None
        if not isinstance(value, dict):
            raise Refusal(400, "The body of the request must be a JSON object.")
        return value  # pyright: ignore[reportUnknownVariableType] - JSON


def objects(body: JsonObject, key: str) -> list[JsonObject]:
    """The list of objects under a key; empty where there is none, strings in it as text parts."""
    value: list[Any] = body[key] if isinstance(body.get(key), list) else []
    return [item if isinstance(item, dict) else {"text": item} for item in value]


def json_object(body: JsonObject, key: str) -> JsonObject:
    """The object under a key; empty where there is none."""
    return body[key] if isinstance(body.get(key), dict) else {}


def dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def answer(
    body: object, script: Script | None = None, *, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str
) -> Response:
    """A whole JSON answer, as the script says."""
    response = _Paced(dump(body), status_code=status, headers=dict(headers or {}), media_type=content_type)
    response.script = script
    return response


def stream(
    events: Iterable[bytes],
    script: Script,
    *,
    error: bytes = b"",
    headers: Mapping[str, str] | None = None,
    content_type: str = "text/event-stream; charset=utf-8",
) -> Response:
    """An answer event by event, as the script says. `error` is the provider's in-stream error."""
    return StreamingResponse(paced(events, script, error), headers={**(headers or {}), "content-type": content_type})


async def paced[T](events: Iterable[T], script: Script, error: T) -> AsyncIterator[T]:
    """The events of an answer, as the script says. `error` is the provider's error within one."""
    for number, event in enumerate(events):
        if number == script.die_after:
            raise Cut
        if number == script.error_after:
            yield error
            return
        if number and script.hang:
            await asyncio.Event().wait()
        if script.delay:
            await asyncio.sleep(script.delay)
        yield event


class _Paced(Response):
    """An answer that may come late, break off in its middle, or never come."""

    script: Script | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        script = self.script
        if script is not None:
            if script.hang:
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
            if script.delay:
                await asyncio.sleep(script.delay)
            if script.die_after is not None:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                half = bytes(self.body)[: len(self.body) // 2]
                await send({"type": "http.response.body", "body": half, "more_body": True})
                raise Cut
        await super().__call__(scope, receive, send)


def sse(data: object, event: str | None = None, end: str = "\n\n") -> bytes:
    """One server-sent event (WHATWG HTML, section 9.2) whose data is JSON, or the text itself where `data` is a string."""
    text = data if isinstance(data, str) else dump(data).decode()
    head = f"event: {event}{end[: len(end) // 2]}" if event else ""
    return f"{head}data: {text}{end}".encode()
