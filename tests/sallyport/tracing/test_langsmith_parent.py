from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langsmith.run_trees import RunTree

from sallyport.tracing.langsmith_parent import dotted_segment, parse_parent

TRACE = "0199c0de-0000-7000-8000-000000000001"
PARENT = "0199c0de-0000-7000-8000-000000000002"
ORDER = f"20261123T120000000000Z{TRACE}.20261123T120001500000Z{PARENT}"


def test_the_last_run_of_the_dotted_order_is_the_parent_and_the_first_the_trace() -> None:
    parent = parse_parent({"langsmith-trace": f" {ORDER}\n", "baggage": "a=b, langsmith-project=my%20project;p=1"})
    assert parent is not None
    assert (parent.run_id, parent.trace_id, parent.dotted_order, parent.project) == (PARENT, TRACE, ORDER, "my project")
    assert parent.start == datetime(2026, 11, 23, 12, 0, 1, 500_000, tzinfo=UTC)


def test_what_the_sdk_writes_is_read() -> None:
    root = RunTree(
        name="agent", project_name="pröject, one", extra={"metadata": {"thread_id": "t=1, x", "gateway.user_id": "evil"}}
    )
    child = root.create_child("step")  # pyright: ignore[reportUnknownMemberType] - langsmith leaves it untyped
    parent = parse_parent(child.to_headers())
    assert parent is not None
    assert (parent.run_id, parent.trace_id) == (str(child.id), str(root.id))
    assert parent.project == "pröject, one"
    assert parent.metadata["thread_id"] == "t=1, x"
    assert "gateway.user_id" not in parent.metadata


@pytest.mark.parametrize(
    "order",
    [
        "",
        "x",
        PARENT,
        f"20261123T120000000000Z{TRACE}.",
        f"20261323T120000000000Z{TRACE}",
        f"20261123T120000000000{TRACE}",
        f"2026１123T120000000000Z{TRACE}",
        f"20261123T120000000000Z{TRACE}.nonsense.20261123T120000000000Z{PARENT}",
        ".".join([f"20261123T120000000000Z{TRACE}"] * 1000),
    ],
)
def test_what_is_no_dotted_order_is_no_parent(order: str) -> None:
    assert parse_parent({"langsmith-trace": order, "baggage": "langsmith-project=p"}) is None


def test_without_the_trace_header_there_is_no_parent() -> None:
    assert parse_parent({"baggage": "langsmith-project=p"}) is None


@pytest.mark.parametrize(
    "baggage",
    [
        "",
        "langsmith-project",
        "langsmith-project=",
        "langsmith-project=%0a%00",
        "langsmith-project=" + "p" * 300,
        "=,;=,",
        "x" * 20_000,
    ],
)
def test_a_bad_project_name_is_none(baggage: str) -> None:
    parent = parse_parent({"langsmith-trace": ORDER, "baggage": baggage})
    assert parent is not None
    assert parent.project is None


def test_metadata_is_bounded() -> None:
    entries = ",".join(f'"k{n}":{n}' for n in range(50))
    parent = parse_parent({"langsmith-trace": ORDER, "baggage": f"langsmith-metadata=%7B{entries.replace(',', '%2C')}%7D"})
    assert parent is not None
    assert len(parent.metadata) == 20
    nested = '{"long":"' + "x" * 300 + '","deep":{"a":1},"none":null,"ok":true}'.replace(",", "%2C")
    parent = parse_parent({"langsmith-trace": ORDER, "baggage": f"langsmith-metadata={nested}"})
    assert parent is not None
    assert parent.metadata == {"ok": True} or not parent.metadata


@given(trace=st.text(), baggage=st.text())
def test_garbage_never_raises(trace: str, baggage: str) -> None:
    assert parse_parent({"langsmith-trace": trace, "baggage": baggage}) is None


@given(baggage=st.text(alphabet=st.sampled_from(list('langsmith-metadata=project,;%{}[]":0aé ')), max_size=80))
def test_no_baggage_spoils_a_parent(baggage: str) -> None:
    parent = parse_parent({"langsmith-trace": ORDER, "baggage": baggage})
    assert parent is not None
    assert parent.run_id == PARENT


@given(
    runs=st.lists(
        st.tuples(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.uuids()),  # noqa: DTZ001 - made UTC below
        min_size=1,
        max_size=5,
    )
)
def test_a_dotted_order_reads_back(runs: list[tuple[datetime, UUID]]) -> None:
    order = ".".join(dotted_segment(start.replace(tzinfo=UTC), str(run)) for start, run in runs)
    parent = parse_parent({"langsmith-trace": order})
    assert parent is not None
    assert (parent.trace_id, parent.run_id) == (str(runs[0][1]), str(runs[-1][1]))
    assert abs(parent.start - runs[-1][0].replace(tzinfo=UTC)) < timedelta(microseconds=1)
