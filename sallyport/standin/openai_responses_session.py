"""OpenAI Responses on a WebSocket: https://developers.openai.com/api/docs/guides/websocket-mode."""

from __future__ import annotations

from sallyport.standin.openai_errors import error_of
from sallyport.standin.openai_responses import ERROR, events, messages_of, script_of, shell_of
from sallyport.standin.script import Message, Refusal
from sallyport.standin.session import Say, Session
from sallyport.standin.wire import JsonObject, paced


class ResponsesSession(Session):
    """One answer after the other; a request may go on from an answer given on this connection."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self._conversations: dict[str, list[Message]] = {}

    async def hear(self, message: JsonObject) -> None:
        lane: JsonObject = {"stream_id": message["stream_id"]} if "stream_id" in message else {}
        try:
            await self._respond(message, lane)
        except Refusal as refusal:
            await self.say({"type": "error", "status": refusal.status, **error_of(refusal), **lane})

    async def _respond(self, message: JsonObject, lane: JsonObject) -> None:
        if message.get("type") != "response.create":
            raise Refusal(400, f"Invalid value: '{message.get('type')}'.", "invalid_value")
        previous = message.get("previous_response_id")
        if previous is not None and previous not in self._conversations:
            raise Refusal(400, f"Previous response with id '{previous}' not found.", "previous_response_not_found")
        before = self._conversations.get(previous, []) if previous else []
        shell = shell_of(message)
        self._conversations[shell["id"]] = [*before, *messages_of(message)]
        if message.get("generate") is False:
            for number, (kind, status) in enumerate((("created", "in_progress"), ("completed", "completed"))):
                response = shell | {"status": status}
                await self.say({"type": f"response.{kind}", "sequence_number": number, "response": response, **lane})
            return
        script = script_of(message, before)
        self._conversations[shell["id"]].append(Message("assistant", script.text))
        async for event in paced(events(shell, script), script, ERROR):
            await self.say(event | lane)
