"""Gemini Live: https://ai.google.dev/api/live. Its messages are JSON in binary frames.

The sound that a client sends is taken for the text of its bytes; zero bytes alone are the silence by which the provider hears
that the speaker has ended.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator

from sallyport.standin.family import identifier
from sallyport.standin.script import TOOL_ARGUMENTS, Message, Refusal, Script, text_of, write_script
from sallyport.standin.session import Say, Session
from sallyport.standin.wire import JsonObject, json_object, objects, paced


class LiveSession(Session):
    binary = True

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self._ready = False
        self._tools: list[str] = []
        self._messages: list[Message] = []
        self._heard = bytearray()

    async def hear(self, message: JsonObject) -> None:
        said = {key.replace("_", "").lower(): json_object(message, key) for key in message}
        if not self._ready:
            await self._set_up(said.get("setup", {}))
        elif content := said.get("clientcontent"):
            self._messages += [Message(str(turn.get("role", "user")), text_of(turn)) for turn in objects(content, "turns")]
            if content.get("turnComplete") or content.get("turn_complete"):
                await self._answer()
        elif said.get("toolresponse"):
            self._messages.append(Message("user", "tool says"))
            await self._answer()
        elif heard := said.get("realtimeinput"):
            await self._listen(heard)
        else:
            raise Refusal(400, "Request contains an invalid argument.")

    async def _set_up(self, setup: JsonObject) -> None:
        if not setup.get("model"):
            raise Refusal(400, "setup must be the first message and only the first")
        self._ready = True
        declared = itertools.chain.from_iterable(objects(tool, "functionDeclarations") for tool in objects(setup, "tools"))
        self._tools = [function["name"] for function in declared]
        if instruction := text_of(setup.get("systemInstruction")):
            self._messages.append(Message("system", instruction))
        await self.say({"setupComplete": {"sessionId": identifier("")}})

    async def _listen(self, heard: JsonObject) -> None:
        if text := heard.get("text"):
            self._messages.append(Message("user", text))
            await self._answer()
            return
        sound = base64.b64decode(json_object(heard, "audio").get("data", ""))
        if sound.strip(b"\0"):
            self._heard += sound
        elif self._heard:
            said = self._heard.decode("utf-8", "replace")
            self._heard.clear()
            self._messages.append(Message("user", said))
            await self.say({"serverContent": {"inputTranscription": {"text": said}}})
            await self._answer()

    async def _answer(self) -> None:
        script = write_script(self._messages, tools=self._tools)
        async for event in paced(_events(script), script, {"goAway": {"timeLeft": "0s"}}):
            await self.say(event)
        self._messages.append(Message("model", script.text))


def _events(script: Script) -> Iterator[JsonObject]:
    usage: JsonObject = {"usageMetadata": _usage(script)} if script.usage else {}
    if script.tool:
        call = {"id": identifier("function-call-"), "name": script.tool, "args": TOOL_ARGUMENTS}
        yield {"toolCall": {"functionCalls": [call]}, **usage}
        return
    for piece in script.pieces:
        yield {"serverContent": {"modelTurn": {"role": "model", "parts": [{"text": piece}]}}}
    yield {"serverContent": {"generationComplete": True}}
    yield {"serverContent": {"turnComplete": True}, **usage}


def _usage(script: Script) -> JsonObject:
    counts = script.counts
    return {
        "promptTokenCount": counts.input,
        "responseTokenCount": counts.output - counts.reasoning,
        "totalTokenCount": counts.total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": counts.input}],
        "responseTokensDetails": [{"modality": "TEXT", "tokenCount": counts.output - counts.reasoning}],
        **({"thoughtsTokenCount": counts.reasoning} if counts.reasoning else {}),
    }
