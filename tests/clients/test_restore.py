"""A coding agent reads a file with secrets, edits it and writes it back: the file stays whole, and the model never saw them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, override

import pytest

from sallyport.standin import StandIn
from sallyport.standin.wire import sse
from tests.clients.client import Client, Runner
from tests.clients.clients import CLAUDE
from tests.clients.programs import SdkProcess
from tests.e2e.support import Gateway
from tests.e2e.wire import placeholders

TOKEN, PASSWORD = "ghp_0123456789abcdefghijABCDEFGHIJ012345", 'Zq8"wN3\\vK2xT9'
ENV = f"""# of the shop
GITHUB_TOKEN={TOKEN}
PORT=8080
DATABASE_URL=postgres://shop:{PASSWORD}@db.internal:5432/shop
MAIL=ada.lovelace@example.org
"""
GUARD = {"version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 30, "on_timeout": "block", "restore": True}
_LINE = re.compile(r"^\s*\d+(?:→|\t)", re.MULTILINE)
_PIECE = 9
"""Characters of a tool's arguments in each event: less than a placeholder has."""


class Model(BaseHTTPRequestHandler):
    """Reads the file that the prompt names, changes a port in it, adds a line, and writes all of it once more."""

    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "/v1/messages" not in self.path or "count_tokens" in self.path:
            self._answer(b"{}", "application/json")
            return
        self.seen.append(json.dumps(body))
        events = [{"type": "message_start", "message": _message(body["model"])}, *_block(body), {"type": "message_stop"}]
        self._answer(b"".join(sse(event, str(event["type"])) for event in events), "text/event-stream")

    def _answer(self, content: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


def _message(model: str) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": 1}
    shell: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
    }
    return {**shell, "stop_sequence": None, "usage": usage}


def _block(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    call = _next_call(body["messages"]) if body.get("tools") else None
    if call:
        block: dict[str, Any] = {"type": "tool_use", "id": f"toolu_{len(body['messages'])}", "name": call[0], "input": {}}
        whole, delta = json.dumps(call[1]), ("input_json_delta", "partial_json")
    else:
        block, whole, delta = {"type": "text", "text": ""}, "Done.", ("text_delta", "text")
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    for start in range(0, len(whole), _PIECE):
        piece = {"type": delta[0], delta[1]: whole[start : start + _PIECE]}
        yield {"type": "content_block_delta", "index": 0, "delta": piece}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 5}}


def _next_call(messages: list[dict[str, Any]]) -> tuple[str, dict[str, Any]] | None:
    blocks: list[Any] = [block for entry in messages for block in entry["content"]]  # of a plain text its letters
    results: list[dict[str, Any]] = [block for block in blocks if isinstance(block, dict) and block["type"] == "tool_result"]
    path = re.findall(r"<<(\S+)>>", json.dumps(messages))[0]
    if not results:
        return "Read", {"file_path": path}
    read = _LINE.sub("", _text(results[0]["content"]).partition("<system-reminder>")[0]).rstrip("\n") + "\n"
    token = next(line for line in read.splitlines() if line.startswith("GITHUB_TOKEN"))
    if len(results) == 1:
        change = {"old_string": f"{token}\nPORT=8080", "new_string": f"{token}\nPORT=9090"}
        return "Edit", {"file_path": path, **change}
    if len(results) == 2:
        return "Write", {"file_path": path, "content": read.replace("8080", "9090") + "DEBUG=1\n"}
    return None


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@pytest.fixture
def model() -> Iterator[str]:
    """Its URL."""
    Model.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("way_in", ["proxy", "base_url"])
def test_a_file_with_secrets_survives_an_agent(providers: StandIn, model: str, tmp_path: Path, way_in: str):
    file = tmp_path / "shop" / ".env"
    file.parent.mkdir()
    file.write_text(ENV)
    command = (*CLAUDE.command, "--allowedTools", "Read", "Edit", "Write", "--add-dir", str(file.parent))
    agent = Client("Claude Code", CLAUDE.recipe, CLAUDE.provider, command, CLAUDE.variables, agent=True)
    with Gateway(tmp_path / "gateway", providers, upstreams={"anthropic": model}) as gateway, SdkProcess() as sdks:
        team = gateway.team("Ada", {"policy_type": "guard", "config": GUARD})
        prompt = f"Raise the port in <<{file}>> and switch debugging on."
        outcome = Runner(gateway, sdks).run(agent, way_in, team.key, "text", prompt)
    assert outcome.output == "Done.", outcome.shown
    assert file.read_text() == ENV.replace("8080", "9090") + "DEBUG=1\n"
    for value in (TOKEN, PASSWORD, "ada.lovelace@example.org"):
        assert not any(value in seen or json.dumps(value)[1:-1] in seen for seen in Model.seen)
    assert {"GITHUB_PAT", "EMAIL"} <= set(placeholders(Model.seen[-1]))
