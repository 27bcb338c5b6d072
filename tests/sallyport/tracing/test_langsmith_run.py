from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sallyport.tracing.langsmith_run import run_of, trace_url
from sallyport.tracing.record import CallRecord, PolicyRef

ID = "0199c0de-0000-7000-8000-00000000000a"
PARENT = "0199c0de-0000-7000-8000-00000000000b"
STARTED = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def record(**fields: Any) -> CallRecord:
    return CallRecord(id=ID, started_at=STARTED.timestamp(), **fields)


def test_a_call_is_an_llm_run_with_its_usage_and_cost() -> None:
    run = run_of(
        record(
            provider="anthropic",
            model="claude",
            operation="messages",
            input_tokens=100,
            output_tokens=20,
            cache_read_tokens=60,
            cache_write_tokens=10,
            reasoning_tokens=5,
            cost_nano=1_234_567_890,
            duration_ms=1500.0,
        ),
        "gateway",
    )
    assert (run["id"], run["trace_id"], run["parent_run_id"]) == (ID, ID, None)
    assert (run["name"], run["run_type"], run["session_name"], run["error"]) == ("anthropic messages", "llm", "gateway", None)
    assert run["dotted_order"] == f"20261123T120000000000Z{ID}"
    assert (run["end_time"] - run["start_time"]).total_seconds() == 1.5
    assert run["outputs"]["usage_metadata"] == {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 60, "cache_creation": 10},
        "output_token_details": {"reasoning": 5},
        "total_cost": 1.23456789,
    }
    metadata = run["extra"]["metadata"]
    assert (metadata["ls_provider"], metadata["ls_model_name"], metadata["ls_model_type"]) == ("anthropic", "claude", "chat")


def test_metadata_is_flat_and_names_policies_and_the_caller() -> None:
    run = run_of(
        record(
            outcome="blocked",
            workspace_id="w",
            user_id="u",
            api_key_id="k",
            way_in="base_url",
            gateway_ms=2.5,
            matched=[PolicyRef("1", "cap"), PolicyRef("2", "guard")],
            violated=[PolicyRef("1", "cap")],
            redactions={"EMAIL": 2},
        ),
        "gateway",
    )
    metadata = run["extra"]["metadata"]
    expected = {
        "gateway.policy.matched_ids": ["1", "2"],
        "gateway.policy.matched_names": ["cap", "guard"],
        "gateway.policy.passed_ids": ["2"],
        "gateway.policy.passed_names": ["guard"],
        "gateway.policy.violated_ids": ["1"],
        "gateway.policy.violated_names": ["cap"],
        "gateway.rules": {"EMAIL": 2},
        "gateway.workspace_id": "w",
        "gateway.user_id": "u",
        "gateway.api_key_id": "k",
        "gateway.request_id": ID,
        "gateway.way_in": "base_url",
        "gateway.latency_ms": 2.5,
    }
    assert expected.items() <= metadata.items()
    assert run["error"] == "request blocked by gateway policies: cap"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"outcome": "error", "reason": "upstream_unreachable"}, "error: upstream_unreachable"),
        ({"outcome": "error", "status": 500}, "error: status 500"),
        ({"outcome": "aborted"}, "aborted: unknown"),
        ({"outcome": "blocked", "reason": "model_denied"}, "blocked: model_denied"),
    ],
)
def test_what_went_wrong_is_the_runs_error(fields: dict[str, Any], error: str) -> None:
    assert run_of(record(**fields), "gateway")["error"] == error


def test_attempts_at_one_call_can_be_told_apart_and_found_together() -> None:
    again = run_of(record(attempt=2, attempt_of=ID), "gateway")["extra"]["metadata"]
    assert (again["gateway.attempt"], again["gateway.attempt_of"]) == (2, ID)
    assert run_of(record(), "gateway")["extra"]["metadata"]["gateway.attempt"] == 1


def test_bodies_are_shown_only_where_the_record_has_them() -> None:
    run = run_of(record(model="m"), "gateway")
    assert (run["inputs"], run["outputs"]) == ({"model": "m", "stream": False}, {})
    run = run_of(record(inputs={"messages": ["hi"]}, outputs="text"), "gateway")
    assert (run["inputs"], run["outputs"]) == ({"messages": ["hi"]}, {"body": "text"})


def traced(start: str, baggage: str = "") -> CallRecord:
    return record(trace_headers={"langsmith-trace": f"{start}Z{PARENT}", "baggage": baggage}, workspace_id="w")


def test_a_call_under_a_parent_is_its_child_in_its_project() -> None:
    run = run_of(traced("20261123T115959000000", "langsmith-project=agents"), "gateway")
    assert (run["parent_run_id"], run["trace_id"], run["session_name"]) == (PARENT, PARENT, "agents")
    assert run["dotted_order"] == f"20261123T115959000000Z{PARENT}.20261123T120000000000Z{ID}"
    assert run_of(traced("20261123T115959000000"), "gateway")["session_name"] == "gateway"


def test_a_child_starts_no_earlier_than_its_parent() -> None:
    run = run_of(traced("20261123T120003000000"), "gateway")
    assert run["start_time"] == run["end_time"] == datetime(2026, 11, 23, 12, 0, 3, tzinfo=UTC)
    assert run["dotted_order"].endswith(f".20261123T120003000000Z{ID}")


def test_a_parent_from_the_far_future_is_none() -> None:
    assert run_of(traced("29991123T120003000000"), "gateway")["parent_run_id"] is None


def test_baggage_adds_metadata_and_overrides_none_of_ours() -> None:
    baggage = (
        "langsmith-metadata=%7B%22gateway.workspace_id%22%3A%22evil%22%2C%22gateway.x%22%3A1%2C%22ls_provider%22%3A%22evil%22"
        "%2C%22thread_id%22%3A%22t%22%7D,langsmith-replicas=%5B%5B%22other%22%2C%7B%7D%5D%5D"
    )
    run = run_of(traced("20261123T115959000000", baggage), "gateway")
    metadata = run["extra"]["metadata"]
    assert (metadata["gateway.workspace_id"], metadata["ls_provider"], metadata["thread_id"]) == ("w", None, "t")
    assert "gateway.x" not in metadata
    assert "replicas" not in run


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://api.smith.langchain.com", "https://smith.langchain.com/r/R"),
        ("https://eu.api.smith.langchain.com/", "https://eu.smith.langchain.com/r/R"),
        ("https://smith.example.com/api/v1", "https://smith.example.com/r/R"),
        ("http://localhost:1984/sub/api", "http://localhost:1984/sub/r/R"),
    ],
)
def test_a_run_is_seen_at_its_endpoints_web_host(endpoint: str, url: str) -> None:
    assert trace_url(endpoint, "R") == url
