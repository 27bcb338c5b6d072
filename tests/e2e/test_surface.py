"""Each provider's whole documented surface through a real gateway: what gets the key, is guarded, metered and recorded."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from sallyport.providers import PROVIDERS
from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.test_redaction import GUARD
from tests.surface import Entry, surface
from tests.surface.provider import TOKEN, Received, SurfaceProvider, surface_provider
from tests.surface.samples import EMAIL, FILE, SAMPLES, STORED, Sample

SEVEN = ("anthropic", "baseten", "bedrock", "fireworks", "gemini", "openai", "vertex")
CREDENTIALS = {name: CANARIES.get(PROVIDERS[name].secret_names[0], TOKEN) for name in SEVEN}
WALKED = [entry for entry in surface() if entry.kind != "connects"]


@pytest.fixture(scope="module")
def provider() -> Iterator[SurfaceProvider]:
    with surface_provider() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(providers: StandIn, provider: SurfaceProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    upstreams: dict[str, str] = dict.fromkeys(SEVEN, provider.url)
    with Gateway(tmp_path_factory.mktemp("surface"), providers, upstreams=upstreams) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def team(gateway: Gateway) -> Team:
    return gateway.team("walker", {"policy_type": "guard", "action": "redact", "name": "Clean", "config": GUARD})


def sample_of(entry: Entry) -> Sample | None:
    operation = PROVIDERS[entry.provider].operation(entry.method, entry.path)
    if operation is None or entry.method not in ("POST", "PUT", "PATCH"):
        return None
    if operation.wire:
        return SAMPLES[operation.wire.name]
    return STORED if operation.shape else FILE if operation.form else None


@pytest.mark.parametrize("name", SEVEN)
def test_every_documented_path(gateway: Gateway, team: Team, provider: SurfaceProvider, name: str):
    entries = [entry for entry in WALKED if entry.provider == name]
    ids: dict[Entry, str] = {}
    for entry, received, answer_id in _walk(gateway, team, provider, entries):
        ids[entry] = answer_id
        assert (received.method, received.path) == (entry.method, entry.path)
        assert team.key not in received, entry
        assert bool(received.body) is (sample_of(entry) is not None), entry
        keyed = any(CREDENTIALS[name] in value for value in received.headers.values())
        assert keyed is (entry.kind != "unknown"), entry
        if entry.kind != "unknown":
            assert EMAIL not in received, entry
    records = _records(gateway, team, set(ids.values()))
    for entry, answer_id in ids.items():
        record = records[answer_id]
        assert (record["provider"], record["operation"], record["outcome"]) == (name, entry.operation, "success"), entry
        sample = sample_of(entry)
        if sample:
            assert record["redactions"] == {"EMAIL": sample.request.count(EMAIL.encode())}, entry
        if sample is SAMPLES["openai_batch"]:  # of a file that nobody saw
            assert (record["cost_usd"], record["unpriced"]) == ("0", True)
        elif entry.kind == "generates" and sample:
            assert record["input_tokens"] > 0, entry
            assert record["estimated"] is not sample.counted, entry
            if sample.counted:
                assert (record["input_tokens"], record["output_tokens"]) in ((9, 3), (9, 0)), entry
        else:
            assert record["cost_usd"] == "0", entry
            assert record["unpriced"] is (entry.kind == "bought"), entry


def test_under_a_cap_nothing_is_bought_whose_price_is_not_known(gateway: Gateway, provider: SurfaceProvider):
    team = gateway.team("capped", {"policy_type": "spend_cap", "config": {"window": "monthly", "limit_usd": 1000}})
    before = len(provider.received)
    connection = http.client.HTTPConnection(gateway.listen, timeout=10)
    for entry in WALKED:
        sample = sample_of(entry)
        if entry.kind == "bought" or sample is SAMPLES["openai_batch"]:
            answer = _ask(connection, entry, team, sample)
            assert answer.status == 403, entry
    assert len(provider.received) == before


def _walk(gateway: Gateway, team: Team, provider: SurfaceProvider, entries: list[Entry]) -> Iterator[tuple[Entry, Received, str]]:
    """Each path, what the provider got, and the id of the call."""
    connection = http.client.HTTPConnection(gateway.listen, timeout=30)
    for entry in entries:
        sample = sample_of(entry)
        provider.answer = sample.answer if sample else b"{}"
        provider.received.clear()
        answer = _ask(connection, entry, team, sample)
        assert answer.status == 200, entry
        yield entry, provider.received[-1], answer.headers["x-gateway-request-id"]


def _ask(connection: http.client.HTTPConnection, entry: Entry, team: Team, sample: Sample | None) -> http.client.HTTPResponse:
    headers = {"x-gateway-key": team.key, "authorization": "Bearer dummy"}
    if sample:
        headers["content-type"] = sample.content_type
    connection.request(entry.method, f"/{entry.provider}{entry.path}", sample.request if sample else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status in (200, 403), (entry, text)
    return answer


def _records(gateway: Gateway, team: Team, ids: set[str]) -> dict[str, dict[str, Any]]:
    def find() -> dict[str, dict[str, Any]] | None:
        found = {call["id"]: call for call in gateway.calls(workspace_id=team.workspace_id)}
        return found if ids <= found.keys() else None

    return wait_for(find, "the records of all", 15)
