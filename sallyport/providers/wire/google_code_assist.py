"""generateContent as Gemini Code Assist has it: the model's name beside the request, request and answer in an envelope each.

Source: github.com/google-gemini/gemini-cli, `packages/core/src/code_assist/converter.ts`.
"""

from __future__ import annotations

from sallyport.providers.base import JsonObject
from sallyport.providers.wire.google_generate import GoogleGenerate
from sallyport.providers.wire.reading import obj, text


class GoogleCodeAssist(GoogleGenerate):
    """`{model, project, user_prompt_id, request: {contents, …}}` → `{response: {candidates, …}, traceId}`."""

    name = "google_code_assist"
    envelope = "response"
    protected_keys = GoogleGenerate.protected_keys | {"project", "session_id", "user_prompt_id"}

    def model(self, body: JsonObject) -> str | None:
        """Where tokens are counted, it stands within the request."""
        return super().model(body) or (text(obj(body, "request"), "model") or "").removeprefix("models/") or None

    def output_cap(self, body: JsonObject) -> int | None:
        return super().output_cap(obj(body, "request"))
