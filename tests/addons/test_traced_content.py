"""Content in records: what goes wrong with it is its own matter."""

from __future__ import annotations

from typing import Any

import pytest

from addons.context import call_of
from addons.route import Route
from addons.services import Services
from addons.traced_content import AnswerCopy, TracedContent
from tests.addons.support import MakeFlow, known

ANSWER = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]}'


async def test_an_answer_that_can_not_be_traced_costs_no_settlement(
    services: Services, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    flow = make_flow(path="/openai/v1/chat/completions")
    Route(services).requestheaders(flow)
    call = known(call_of(flow))
    call.workspace = next(iter(services.snapshot.workspaces.values()))
    call.answer = AnswerCopy("openai_chat", "application/json")
    call.answer.add(ANSWER)

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("what was said")

    monkeypatch.setattr("addons.traced_content.redact_document", fail)
    await TracedContent(services.redactor).note_outputs(call)
    assert call.record.outputs is None
    assert "can't be traced: RuntimeError" in caplog.text
    assert "what was said" not in caplog.text


def test_an_answer_that_is_too_large_is_left_out():
    copy = AnswerCopy("openai_chat", "application/json")
    copy.add(ANSWER)
    assert copy.whole()
    for _ in range(3):
        copy.add(b" " * 1024 * 1024)
    assert copy.whole() is None
