"""A caller with a LangSmith key changes the base URL and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, wait_for

KEY = "lsv2_pt_green_CANARY0000000000000000000001"


@pytest.fixture(scope="module")
def langsmith() -> Iterator[StandIn]:
    with StandIn(plain=True) as standin:
        yield standin


def test_a_langsmith_key_calls_is_capped_and_never_leaves(gateway: Gateway, langsmith: StandIn, standin: StandIn) -> None:
    cap = {"policy_type": "spend_cap", "name": "Small", "config": {"window": "daily", "limit_usd": 0.0001}}
    trust: dict[str, Any] = {
        "langsmith_endpoint": langsmith.url,
        "langsmith_callers": str(uuid.uuid5(uuid.NAMESPACE_DNS, "green")),
    }
    team = gateway.team("langsmith", cap, **trust)
    client = openai.OpenAI(base_url=f"http://{gateway.listen}/openai/v1", api_key=KEY, max_retries=0)

    def ask() -> None:
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "[[out:400]] hi"}])

    ask()
    calls = f"/v1/calls?outcome=success&workspace_id={team.workspace_id}"
    (call,) = wait_for(lambda: gateway.admin("GET", calls)["items"], "the call")
    row = gateway.admin("GET", f"/v1/keys/{call['api_key_id']}")
    assert (row["prefix"], row["workspace_id"]) == (KEY[:12], team.workspace_id)
    with pytest.raises(openai.APIStatusError, match="Small") as refused:
        ask()
    assert refused.value.status_code == 402
    assert not any(KEY in received for received in standin.requests())
    assert KEY not in gateway.log_file.read_text()
    with pytest.raises(openai.AuthenticationError, match="gateway key unknown"):
        client.with_options(api_key="lsv2_pt_blue_x").models.list()
