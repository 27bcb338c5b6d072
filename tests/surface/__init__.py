"""The whole documented surface of each provider: one file for each, one line for each path.

From the vendors' SDKs of November 2026 (openai, anthropic, google-genai), botocore's models of `bedrock` and `bedrock-runtime`,
https://docs.fireworks.ai/api-reference, https://docs.baseten.co/reference/inference-api, https://cloud.google.com/vertex-ai/docs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["generates", "connects", "bought", "listed", "unknown"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path.

    `generates`: metered; `connects`: a WebSocket, whose turns are metered; `bought`: it costs money that no answer names;
    `listed`: nothing is generated; `unknown`: it administers an account, and gets no key of ours.
    """

    provider: str
    kind: Kind
    operation: str | None
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.provider} {self.method} {self.path}"


def surface() -> Iterator[Entry]:
    for file in sorted(Path(__file__).parent.glob("*.txt")):
        for line in filter(None, file.read_text().splitlines()):
            kind, operation, method, path = line.split()
            yield Entry(file.stem, kind, None if operation == "-" else operation, method, path)  # pyright: ignore[reportArgumentType]
