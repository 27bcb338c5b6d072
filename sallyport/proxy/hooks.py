"""Dispatch of mitmproxy's hooks to our addons by a prebuilt table, and failing closed.

mitmproxy logs an exception of an addon and carries on with the next; a gateway must not: what was not checked does not leave.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

from mitmproxy import http
from mitmproxy.proxy import commands

from addons.attempt import Failure
from addons.form import FormText
from addons.refusal import Refusal, refuse, refuse_message
from addons.sockets import Socket, SocketMessage

logger = logging.getLogger(__name__)

HookFunction = Callable[..., Awaitable[None] | None]

_FAILURE = Refusal(500, "gateway_failure", "the gateway failed on this request and did not send it; its log says why")
_INTERNAL_ERROR = 1011
"""The close code for it (RFC 6455's registry of close codes)."""
_BEFORE_SENDING = frozenset({"http_connect", "requestheaders", "request", "request_too_large", "form_text", "attempt"})


@dataclass
class CallCompleteHook(commands.StartHook):
    """The end of an answer has been read and not yet been passed on to the client."""

    flow: http.HTTPFlow


@dataclass
class StreamOverdrawnHook(commands.StartHook):
    """A stream has used up what it holds of its budgets; an addon tops it up or asks to stop it."""

    flow: http.HTTPFlow


@dataclass
class RequestTooLargeHook(commands.StartHook):
    """A buffered request body grew beyond the limit; the addon sets `flow.response`."""

    flow: http.HTTPFlow


@dataclass
class FormTextHook(commands.StartHook):
    """A text of a form has come and not yet been passed on; an addon changes it, or sets `flow.response`."""

    flow: http.HTTPFlow
    text: FormText


@dataclass
class AttemptFailedHook(commands.StartHook):
    """An attempt at a call has failed before anything of an answer left; an addon may set `failure.again`."""

    flow: http.HTTPFlow
    failure: Failure


@dataclass
class AttemptHook(commands.StartHook):
    """Another attempt is to be made: addons point the flow elsewhere, or set `flow.response`."""

    flow: http.HTTPFlow
    failure: Failure


@dataclass
class SocketMessageHook(commands.StartHook):
    """A whole message came on a governed WebSocket and has not yet been passed on."""

    message: SocketMessage


@dataclass
class SocketAnsweredHook(commands.StartHook):
    """The last message of a call on a governed WebSocket, or its refusal, has been passed on."""

    message: SocketMessage


@dataclass
class SocketEndHook(commands.StartHook):
    """A governed WebSocket is at its end; `reason` says whose doing that is, as a flow's error does."""

    socket: Socket
    reason: str


class HookTable:
    """Hook name → the bound methods that handle it, in pipeline order."""

    def __init__(self, addons: Sequence[object]) -> None:
        self._addons = tuple(addons)
        self._table: dict[str, tuple[HookFunction, ...]] = {}

    def _functions(self, name: str) -> tuple[HookFunction, ...]:
        functions = self._table.get(name)
        if functions is None:
            found = (getattr(addon, name, None) for addon in self._addons)
            functions = self._table[name] = tuple(cast(HookFunction, function) for function in found if callable(function))
        return functions

    async def run(self, hook: commands.StartHook) -> None:
        arguments = hook.args()
        for function in self._functions(hook.name):
            try:
                result = function(*arguments)
                if inspect.isawaitable(result):
                    await result
            except Exception:
                logger.exception("%s failed in %s", hook.name, getattr(function, "__qualname__", function))
                _fail_closed(hook.name, arguments[0])


def _fail_closed(name: str, data: object) -> None:
    if isinstance(data, SocketMessage):
        refuse_message(data, _FAILURE)
        data.refused, data.close = True, data.close or (_INTERNAL_ERROR, _FAILURE.message)
    elif isinstance(data, http.HTTPFlow):
        if name in _BEFORE_SENDING:
            refuse(data, _FAILURE)
        elif data.killable:
            data.kill()
