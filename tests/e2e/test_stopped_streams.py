"""A strict cap that is used up within a stream, as each SDK shows it: the text so far, then why there is no more."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
from __future__ import annotations

import json
import os
from collections.abc import Callable
from decimal import Decimal

import anthropic
import openai
import pytest
from google import genai

from sallyport.standin import StandIn
from tests.e2e import sdks
from tests.e2e.support import Gateway, wait_for

LIMIT = Decimal("0.001")
PROMPT = "[[length:6000]] [[heedless]]"
"""An answer that costs more than the cap with every model below, whatever length was asked for."""
MESSAGES = [{"role": "user", "content": PROMPT}]


def _chat(prefix: str = "OPENAI", model: str = "gpt-4o") -> str:
    api = openai.OpenAI(base_url=os.environ.get(f"{prefix}_BASE_URL"), api_key=os.environ[f"{prefix}_API_KEY"], max_retries=0)
    chunks = api.chat.completions.create(model=model, messages=MESSAGES, stream=True, max_tokens=9)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def _responses() -> str:
    events = openai.OpenAI(max_retries=0).responses.create(model="gpt-5", input=PROMPT, stream=True, max_output_tokens=16)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def _anthropic() -> str:
    api = anthropic.Anthropic(max_retries=0)
    with api.messages.stream(model="claude-haiku-4-5", max_tokens=9, messages=MESSAGES) as stream:
        return stream.get_final_text()


def _gemini() -> str:
    config = {"max_output_tokens": 9}
    api = genai.Client()
    chunks = api.models.generate_content_stream(model="gemini-2.5-flash", contents=PROMPT, config=config)
    return "".join(chunk.text for chunk in chunks)


def _converse() -> str:
    answer = sdks._bedrock().converse_stream(
        modelId=sdks.CLAUDE_ON_BEDROCK,
        messages=[{"role": "user", "content": [{"text": PROMPT}]}],
        inferenceConfig={"maxTokens": 9},
    )
    return "".join(event["contentBlockDelta"]["delta"]["text"] for event in answer["stream"] if "contentBlockDelta" in event)


def _invoke() -> str:
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": MESSAGES})
    answer = sdks._bedrock().invoke_model_with_response_stream(modelId=sdks.CLAUDE_ON_BEDROCK, body=body)
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert events[-1]["type"] == "message_stop"
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")


ASKS: dict[str, Callable[[], str]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock-converse": _converse,
    "bedrock-invoke": _invoke,
    "fireworks": lambda: _chat("FIREWORKS", "accounts/fireworks/models/llama-v3p1-8b-instruct"),
}


@pytest.mark.parametrize("way_in", ["base_url"], indirect=True)
@pytest.mark.parametrize("name", ASKS)
def test_a_strict_cap_within_a_stream(gateway: Gateway, standin: StandIn, enter: Callable[[str], None], name: str):
    cap = {"window": "monthly", "limit_usd": str(LIMIT), "strict": True}
    team = gateway.team("strict", {"policy_type": "spend_cap", "name": "Pennies", "config": cap})
    enter(team.key)
    text = ASKS[name]()
    assert text.startswith("This answer comes from the stand-in")
    assert "\n\nrequest blocked by gateway policies: Pennies. The spend limit is used up until " in text
    (record,) = wait_for(lambda: [call for call in gateway.calls(workspace_id=team.workspace_id) if call["stream"]], "its record")
    assert (record["outcome"], record["estimated"]) == ("blocked", True)
    assert Decimal(record["cost_usd"]) == LIMIT
    assert len(standin.requests()) == 1
