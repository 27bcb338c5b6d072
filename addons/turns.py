"""Cuts what passes on a WebSocket into calls: each turn of the conversation is one, whoever starts it.

A key that was revoked since the handshake, or lost its workspace, ends the conversation with its next message.
"""

from __future__ import annotations

from typing import Any, cast

import orjson

from addons.content import ContentError, read_object
from addons.identify import usable
from addons.refusal import Refusal, refuse_message
from addons.services import Services
from addons.sockets import SocketMessage
from sallyport.providers.base import JsonObject


class Turns:
    def __init__(self, services: Services) -> None:
        self._services = services

    def socket_message(self, message: SocketMessage) -> None:
        if message.from_client:
            self._sent(message)
        else:
            self._received(message)

    def _sent(self, message: SocketMessage) -> None:
        call = message.call = message.socket.next_call(self._services.snapshot)
        try:
            call.body, message.content = read_object(message.content)
        except ContentError as error:
            call.body = None
            refuse_message(message, Refusal(400, "malformed", f"{error}."))
            return
        if not self._known(message):
            return
        message.turn = message.socket.conversation.sent(call.body, len(message.content))
        if message.turn:
            self._begin(message)

    def _received(self, message: SocketMessage) -> None:
        turn = message.turn = message.socket.conversation.received(_read(message.content))
        if turn is None:
            return
        message.call = message.socket.turns.get(turn)
        if message.call is None:
            message.call = message.socket.next_call(self._services.snapshot)
            message.call.body = None
            self._begin(message)
            self._known(message)

    def _begin(self, message: SocketMessage) -> None:
        if message.turn and message.call:
            message.starts = True
            message.socket.begin(message.turn, message.call)
            self._services.calls[message.call.record.id] = message.call

    def _known(self, message: SocketMessage) -> bool:
        """Whether the caller may still call."""
        call = message.call
        if call is None or call.key is None or call.workspace is None:
            return False
        key = call.snapshot.keys_by_id.get(call.key.id)
        workspace = call.snapshot.workspaces.get(call.workspace.id)
        problem = usable(key) if key and workspace else Refusal(401, "key_unknown", "gateway key unknown.")
        if isinstance(problem, Refusal):
            refuse_message(message, problem)
            return False
        call.workspace = workspace
        return True


def _read(content: bytes) -> JsonObject:
    """A provider's message; one that is no JSON object says nothing to us."""
    try:
        document: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return cast(JsonObject, document) if isinstance(document, dict) else {}
