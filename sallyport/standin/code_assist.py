"""Gemini Code Assist, as far as Gemini CLI speaks to it for who logs in with Google (github.com/google-gemini/gemini-cli)."""

from __future__ import annotations

from starlette.responses import Response

from sallyport.standin import google
from sallyport.standin.family import bearer, identifier
from sallyport.standin.script import Refusal, count_words
from sallyport.standin.wire import Call, JsonObject, answer, json_object

_PROJECT = "stand-in-project"
_TIER = {"id": "free-tier", "name": "Gemini Code Assist for individuals", "hasOnboardedPreviously": True}


class CodeAssist(google.Gemini):
    name = "codeassist"

    def answer(self, call: Call) -> Response:
        self.check_credential(call)
        if call.method == "GET":
            return answer({}, headers=google.HEADERS, content_type=google.JSON)
        body = call.json()
        request, model = json_object(body, "request"), str(body.get("model"))
        match call.path.partition(":")[2]:
            case "generateContent":
                script = google.script_of(request)
                return answer(_wrap(google.whole(script, model)), script, headers=google.HEADERS, content_type=google.JSON)
            case "streamGenerateContent":
                script = google.script_of(request)
                chunks = map(_wrap, google.chunks_of(script, model))
                return google.send(chunks, script, as_events=call.query.get("alt") == "sse")
            case "countTokens":
                found: JsonObject = {"totalTokens": max(1, count_words(*(part.text for part in google.messages_of(request))))}
            case "loadCodeAssist":
                found = {"currentTier": _TIER, "allowedTiers": [_TIER], "cloudaicompanionProject": _PROJECT, "gcpManaged": False}
            case "onboardUser":
                found = {"done": True, "response": {"cloudaicompanionProject": {"id": _PROJECT, "name": _PROJECT}}}
            case _:
                found = {}
        return answer(found, headers=google.HEADERS, content_type=google.JSON)

    def check_credential(self, call: Call) -> None:
        if not (bearer(call) or "").startswith("ya29."):
            raise Refusal(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")


def _wrap(chunk: JsonObject) -> JsonObject:
    return {"response": chunk, "traceId": identifier("")}
