"""What was priced is in the record, to the last count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.spend.recorded_usage import further, usage_of
from sallyport.tracing.record import CallRecord

_counts = {name: st.integers(0, 10**9) for name in Usage.__dataclass_fields__ if name != "service_tier"}


@given(usage=st.builds(Usage, **_counts, service_tier=st.none() | st.sampled_from(["flex", "batch"])))
def test_a_usage_comes_back_from_a_record_as_it_was(usage: Usage) -> None:
    own = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    fields = {name: getattr(usage, name) for name in own}
    record = CallRecord("1", 0.0, **fields, usage=further(usage))
    assert usage_of(CallRecord.from_json(record.to_json())) == usage


def test_a_usage_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    assert usage_of(CallRecord("1", 0.0, input_tokens=2, usage={"smells": 1, "web_searches": 3})) == Usage(2, web_searches=3)
