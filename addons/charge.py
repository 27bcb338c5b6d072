"""What an ended call is charged: the provider's own count where there is one, an honest estimate where the answer broke off."""

from __future__ import annotations

from addons.context import Call
from sallyport.providers.base import Usage
from sallyport.spend.estimate import OutputEstimator
from sallyport.spend.prices import price
from sallyport.spend.recorded_usage import further

_CHARS_PER_TOKEN = 4


def charge(call: Call, output: OutputEstimator) -> None:
    """Fill in what a call used and cost, from its meter; by estimate, and marked so, where the provider did not say."""
    record, meter = call.record, call.meter
    usage = meter.usage if meter else None
    if usage is None:
        usage = _estimate(call)
        if usage is None:
            return
        record.estimated = True
    record.input_tokens, record.output_tokens = usage.input_tokens, usage.output_tokens
    record.cache_read_tokens, record.cache_write_tokens = usage.cache_read_tokens, usage.cache_write_tokens
    record.reasoning_tokens, record.usage = usage.reasoning_tokens, further(usage)
    provider = record.provider or ""
    cost = price(provider, record.model or "", usage, at=record.started_at)
    if cost.unpriced and meter and meter.model and meter.model != record.model:
        cost = price(provider, meter.model, usage, at=record.started_at)
        record.priced_as = call.without_key(meter.model)
    record.cost_nano, record.unpriced = cost.cost_nano, cost.unpriced
    if not record.estimated:
        output.observe(record.api_key_id or "", record.model or "", usage.output_tokens)


def _estimate(call: Call) -> Usage | None:
    """What the provider will bill for an answer that did not say: None for errors, which no provider bills."""
    record, meter = call.record, call.meter
    if record.status is not None and record.status >= 400:
        return None
    if meter is None:
        answered_or_left = record.status is not None or record.outcome == "aborted"
        return Usage(call.expected_input_tokens, call.expected_output_tokens) if answered_or_left else None
    partial = meter.partial or Usage(input_tokens=call.expected_input_tokens)
    output = max(partial.output_tokens, -(-meter.output_chars // _CHARS_PER_TOKEN))
    if record.outcome == "success":  # it ended in form: whatever it was, it was not nothing
        output = output or call.expected_output_tokens
    partial.output_tokens = output
    return partial
