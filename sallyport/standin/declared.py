"""The declared providers: each what its declaration says, on top of the families of its wire formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from sallyport.declaration import Declaration
from sallyport.providers.declared import shipped
from sallyport.standin.anthropic import Anthropic
from sallyport.standin.cohere import Cohere
from sallyport.standin.family import GATEWAY_KEY_PREFIX, Family
from sallyport.standin.ollama import Ollama
from sallyport.standin.openai import OpenAI
from sallyport.standin.script import Refusal
from sallyport.standin.wire import Call

_KEY_HEADERS = ("authorization", "api-key", "x-api-key")


class _Compatible(OpenAI):
    """OpenAI's paths below whatever a vendor puts before them."""

    prefix = ()


class _Mistral(_Compatible):
    """https://docs.mistral.ai/api: the usage comes unasked, and asking is refused."""

    usage_in_chunks = True

    def answer(self, call: Call) -> Response:
        if call.method == "POST" and "stream_options" in call.json():
            raise Refusal(422, "body.stream_options: Extra inputs are not permitted")
        return super().answer(call)


_FAMILIES: dict[str, Family] = {
    "openai": _Compatible(),
    "anthropic": Anthropic(),
    "cohere": Cohere(),
    "mistral": _Mistral(),
    "ollama": Ollama(),
    "perplexity": _Mistral(),
}


class Declared(Family):
    def __init__(self, name: str, declaration: Declaration) -> None:
        self.name = name
        self._header = "authorization" if declaration.auth == "bearer" else declaration.auth
        prefixes = sorted(declaration.wire_formats, key=len, reverse=True)
        self._families = [(_pattern(prefix), _FAMILIES[declaration.wire_formats[prefix]]) for prefix in prefixes]

    def answer(self, call: Call) -> Response:
        keys = [value for name in _KEY_HEADERS if (value := call.headers.get(name))]
        if any(GATEWAY_KEY_PREFIX in key for key in keys):
            raise Refusal(401, "Unauthorized")
        if self._header == "none" and keys:
            raise Refusal(400, "a credential came that nobody asked for")
        if self._header != "none" and call.headers.get(self._header, "") not in keys:
            raise Refusal(401, "Unauthorized")
        headers = MutableHeaders(raw=list(call.headers.raw))
        headers["authorization"] = f"Bearer {keys[0].removeprefix('Bearer ')}" if keys else "Bearer none"
        for pattern, family in self._families:
            if match := pattern.match(call.path):
                below = replace(call, path=call.path[match.end() :], headers=headers)
                return self._try(family, below)
        raise Refusal(404, "Not found")

    def _try(self, family: Family, call: Call) -> Response:
        try:
            return family.answer(call)
        except Refusal as refusal:
            return family.error(refusal)

    def error(self, refusal: Refusal) -> Response:
        return self._families[0][1].error(refusal)


def declared() -> Iterator[Declared]:
    return (Declared(name, declaration) for name, declaration in shipped())


def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, prefix.split("{model}"))) + "(?=/)")
