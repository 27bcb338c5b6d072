"""What the guard takes out of each provider's format, and what it leaves."""

import json
from typing import Any

import pytest
from mitmproxy import http

from addons.access import Access
from addons.context import call_of
from addons.identify import Identify
from addons.redact import Redact
from addons.route import Route
from addons.services import Services
from policies.model import Policy
from sallyport.secret import Secret
from tests.addons.support import KEYS, MakeFlow, known, make_policy, make_snapshot

TOKEN = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zQ7eR"


def guard(
    *,
    pii: bool = False,
    on_timeout: str = "allow",
    on_error: str | None = None,
    restore: bool = False,
    system_prompts: bool = True,
) -> Policy:
    config = {
        "version": 1,
        "detect": {"pii": pii, "secrets": True},
        "timeout_seconds": 5,
        "on_timeout": on_timeout,
        "restore": restore,
        "system_prompts": system_prompts,
        **({"on_error": on_error} if on_error else {}),
    }
    return make_policy("guard", config)


async def redact(services: Services, make_flow: MakeFlow, path: str, body: dict[str, Any]) -> http.HTTPFlow:
    flow = make_flow(path=path, x_gateway_key=KEYS["good"], content=json.dumps(body).encode())
    Route(services).requestheaders(flow)
    Identify(services).requestheaders(flow)
    Access(services).request(flow)
    await Redact(services).request(flow)
    return flow


async def test_a_secret_becomes_a_placeholder_and_the_record_says_so(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=(guard(),))
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"push with {TOKEN} please"}]}
    call = known(call_of(await redact(services, make_flow, "/openai/v1/chat/completions", body)))
    assert known(call.body)["messages"][0]["content"].startswith("push with [SAFE_TO_USE:GITHUB_PAT_")
    assert TOKEN not in json.dumps(call.body)
    assert call.record.redactions == {"GITHUB_PAT": 1}
    assert [(fired.policy_type, fired.action) for fired in call.record.fired] == [("guard", "redacted")]
    assert TOKEN not in call.record.to_json().decode()


async def test_what_names_a_tool_stays_and_what_a_tool_is_given_does_not(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=(guard(),))
    block = {"type": "tool_use", "id": "toolu_1", "name": TOKEN, "input": {"name": TOKEN, "data": TOKEN}}
    body = {"model": "claude-sonnet-4-5", "max_tokens": 5, "messages": [{"role": "assistant", "content": [block]}]}
    call = known(call_of(await redact(services, make_flow, "/anthropic/v1/messages", body)))
    clean = known(call.body)["messages"][0]["content"][0]
    assert clean["name"] == TOKEN  # matched to the letter by the API; no model writes a secret there
    assert TOKEN not in json.dumps(clean["input"])


async def test_what_only_counts_tokens_is_guarded_too(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=(guard(),))
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": TOKEN}]}
    call = known(call_of(await redact(services, make_flow, "/anthropic/v1/messages/count_tokens", body)))
    assert TOKEN not in json.dumps(call.body)


async def test_without_a_guard_only_the_gateway_key_is_taken_out(services: Services, make_flow: MakeFlow):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"{TOKEN} and {KEYS['good']}"}]}
    call = known(call_of(await redact(services, make_flow, "/openai/v1/chat/completions", body)))
    content = known(call.body)["messages"][0]["content"]
    assert TOKEN in content
    assert KEYS["good"] not in content
    assert "[SAFE_TO_USE:GATEWAY_KEY_" in content


@pytest.mark.parametrize(
    ("choices", "status"),
    [
        ({"on_error": "block"}, 503),
        ({"on_error": "allow"}, None),
        ({"on_timeout": "block"}, 503),  # of a guard that was made before there was `on_error`
        ({"on_timeout": "block", "on_error": "allow"}, None),
    ],
)
async def test_when_names_cannot_be_looked_for_the_policy_decides_and_secrets_are_gone(
    services: Services, make_flow: MakeFlow, choices: dict[str, Any], status: int | None
):
    services.snapshot = make_snapshot(policies=(guard(pii=True, **choices),))  # the services have no names model
    text = f"Yesterday Maria Schneider and her brother Thomas moved from Hamburg to Lisbon with {TOKEN}."
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    flow = await redact(services, make_flow, "/openai/v1/chat/completions", body)
    assert (flow.response.status_code if flow.response else None) == status
    call = known(call_of(flow))
    assert TOKEN not in json.dumps(call.body)
    assert "could not be checked" in call.record.fired[-1].detail
    assert call.record.fired[-1].action == ("blocked" if status else "redacted")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/anthropic/v1/messages", {"type": "image", "source": {"type": "base64", "media_type": "text/plain", "data": [TOKEN]}}),
        ("/openai/v1/chat/completions", {"type": "text", "text": {TOKEN: 1}}),
    ],
)
async def test_a_list_and_a_key_are_looked_at(services: Services, make_flow: MakeFlow, path: str, content: dict[str, Any]):
    services.snapshot = make_snapshot(policies=(guard(),))
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [content]}]}
    call = known(call_of(await redact(services, make_flow, path, body)))
    assert TOKEN not in json.dumps(call.body)


async def test_a_text_to_be_spoken_is_guarded_too(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=(guard(),))
    body = {"model": "tts-1", "voice": "alloy", "input": f"the token is {TOKEN}"}
    call = known(call_of(await redact(services, make_flow, "/openai/v1/audio/speech", body)))
    assert TOKEN not in json.dumps(call.body)


async def test_a_guard_that_restores_keeps_what_it_took_out_for_the_answer_alone(services: Services, make_flow: MakeFlow):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"{TOKEN} and {KEYS['good']}"}]}
    for restore in (False, True):
        services.snapshot = make_snapshot(policies=(guard(restore=restore),))
        call = known(call_of(await redact(services, make_flow, "/openai/v1/chat/completions", body)))
        content = known(call.body)["messages"][0]["content"]
        assert TOKEN not in content
        assert (known(call.restorer).whole(content) if call.restorer else None) == (
            f"{TOKEN} and {KEYS['good']}" if restore else None
        )
        assert TOKEN not in call.record.to_json().decode()


async def test_values_come_back_only_where_every_guard_that_takes_them_out_restores(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=(guard(pii=True, restore=True), guard()))
    text = f"{TOKEN} of ada@example.com"
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    call = known(call_of(await redact(services, make_flow, "/openai/v1/chat/completions", body)))
    assert list(known(call.restorer).values.values()) == ["ada@example.com"]


MARK = "x-anthropic-billing-header: cc_version=2.1.330.abc; cc_entrypoint=cli; cch=1a2b3;"
SYSTEM = f"The token is {TOKEN}."


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/anthropic/v1/messages", {"system": SYSTEM, "max_tokens": 5}),
        (
            "/anthropic/v1/messages",
            {"system": [{"type": "text", "text": MARK}, {"type": "text", "text": SYSTEM}], "max_tokens": 5},
        ),
        ("/openai/v1/chat/completions", {"messages": [{"role": "developer", "content": [{"type": "text", "text": SYSTEM}]}]}),
        ("/openai/v1/responses", {"instructions": SYSTEM, "input": [{"role": "system", "content": SYSTEM}]}),
        ("/gemini/v1beta/models/gemini-2.5-flash:generateContent", {"systemInstruction": {"parts": [{"text": SYSTEM}]}}),
        ("/bedrock/model/m/converse", {"system": [{"text": SYSTEM}]}),
    ],
)
async def test_system_prompts_are_a_choice(services: Services, make_flow: MakeFlow, path: str, body: dict[str, Any]):
    for looked_at in (True, False):
        said = {"role": "user", "content": TOKEN, "parts": [{"text": TOKEN}]}
        whole = {"model": "m", **body, "contents": [said], "messages": [*body.get("messages", ()), said]}
        names = ("ANTHROPIC_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "GOOGLE_API_KEY", "OPENAI_API_KEY")
        secrets = dict.fromkeys(names, Secret("sk-provider"))
        services.snapshot = make_snapshot(policies=(guard(system_prompts=looked_at),), secrets=secrets)
        call = known(call_of(await redact(services, make_flow, path, whole)))
        assert (SYSTEM in json.dumps(call.body)) is not looked_at
        assert TOKEN not in json.dumps(known(call.body)["contents"])
        assert TOKEN not in json.dumps(known(call.body)["messages"][-1])


async def test_claude_codes_first_block_stays_byte_for_byte_and_hides_nothing(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=(guard(pii=True, on_timeout="allow"),))
    for first, stays in ((MARK, True), (f"{MARK} {TOKEN}", False), (f"{MARK}\ncall (415) 555-2671", False)):
        system = [{"type": "text", "text": first}, {"type": "text", "text": "Be brief."}]
        body = {"model": "claude-sonnet-4-5", "max_tokens": 5, "system": system, "messages": []}
        call = known(call_of(await redact(services, make_flow, "/anthropic/v1/messages", body)))
        assert (known(call.body)["system"][0]["text"] == first) is stays
