"""What the gateway holds itself never leaves by a caller's request, and it is an alarm."""

import base64
import json
from dataclasses import replace

from addons.context import call_of
from addons.services import Services
from sallyport.secret import Secret
from tests.addons.support import KEYS, MakeFlow, known, make_snapshot
from tests.addons.test_redact import redact

HELD = "bt_1234567890abcdefGHIJKLMNOP"


async def hold(services: Services) -> None:
    """Another workspace's secret, in the vault."""
    snapshot = make_snapshot()
    ours = next(iter(snapshot.workspaces.values()))
    other = replace(ours, id="other", secrets={"BASETEN_API_KEY": Secret(HELD)})
    services.snapshot = replace(snapshot, workspaces={**snapshot.workspaces, "other": other})
    await services.held.follow(services.snapshot)


async def said(services: Services, make_flow: MakeFlow, content: str) -> tuple[str, list[tuple[str, str, str]]]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}
    call = known(call_of(await redact(services, make_flow, "/openai/v1/chat/completions", body)))
    fired = [(fired.policy_name, fired.action, fired.detail) for fired in call.record.fired]
    return known(call.body)["messages"][0]["content"], fired


async def test_a_secret_of_the_vault_goes_without_any_guard_and_raises_an_alarm(services: Services, make_flow: MakeFlow):
    await hold(services)
    content, fired = await said(services, make_flow, f"is {HELD} valid?")
    assert content.startswith("is [SAFE_TO_USE:BASETEN_API_KEY_")
    assert content.endswith("] valid?")
    assert fired == [("credentials held by the gateway", "redacted", "in a request: BASETEN_API_KEY × 1")]


async def test_its_base64_goes_too(services: Services, make_flow: MakeFlow):
    await hold(services)
    encoded = base64.b64encode(f"user:{HELD}".encode()).decode()
    content, fired = await said(services, make_flow, f"data: {encoded}")
    assert encoded[8:-4] not in content
    assert fired


async def test_any_key_of_the_gateway_goes_not_only_the_callers(services: Services, make_flow: MakeFlow):
    for name, key in KEYS.items():
        content, fired = await said(services, make_flow, f"key {key}.")
        assert content.startswith("key [SAFE_TO_USE:GATEWAY_KEY_"), name
        assert fired


async def test_other_requests_raise_none(services: Services, make_flow: MakeFlow):
    await hold(services)
    content, fired = await said(services, make_flow, json.dumps({"bt": HELD[:-1]}))
    assert HELD[:-1] in content
    assert fired == []
