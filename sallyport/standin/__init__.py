"""Stand-ins for the providers, the seven and the declared ones, and for LangSmith's ingest, on one port, for the demo, tests and
benchmarks.

They speak the documented wire formats, so that the vendors' own SDKs can't tell. A path picks the family; a first segment
`/openai`, `/fireworks`, `/groq`, … in front of it forces one (`/baseten/v1/chat/completions`). A credential that is missing, in
another family's place, or a gateway key (`sp_…`), is refused as the provider refuses it.

What the last message of the prompt says decides the answer; instructions, of a system or developer, don't count. Without a marker
it is the same short sentence every time; a token is a word.

| marker | effect |
|---|---|
| `[[echo]]` | answers with the text of the last message, as it was received |
| `[[length:N]]` | answers with N words (the request's output limit still cuts them) |
| `[[heedless]]` | the request's output limit cuts nothing |
| `[[tool]]` | answers with a call of the first tool declared (`get_weather` where none is) |
| `[[in:N]]`, `[[out:N]]` | the usage says N input, N output tokens instead of counting words |
| `[[cached:N]]`, `[[cache-write:N]]`, `[[reasoning:N]]` | N tokens on top: read from, written to the prompt cache, reasoned |
| `[[no-usage]]` | no usage anywhere in the answer |
| `[[status:N]]` | the provider's error of that status |
| `[[delay-ms:N]]` | N milliseconds before each event of a stream, or before the answer |
| `[[die-after:N]]` | the connection is cut after N events of a stream, or within the answer |
| `[[error-after:N]]` | the stream goes on with the provider's in-stream error after N events |
| `[[hang]]` | the stream falls silent after its first event; an answer that doesn't stream never comes |

A model or a credential that is called `…answers-503…` answers with the provider's error of that status, whatever the prompt.

`GET /__standin__/requests` lists what came in, `GET /__standin__/runs` the LangSmith runs; `DELETE` empties either.

    python -m sallyport.standin --listen 127.0.0.1:0 --directory DIR [--plain]

prints one JSON line, `{"url": …, "ca": …}`, when it serves.
"""

from sallyport.standin.process import Received, StandIn

__all__ = ["Received", "StandIn"]
