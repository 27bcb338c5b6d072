"""What an ended call is charged: the provider's own count where there is one, an honest estimate where the answer broke off."""

from __future__ import annotations

from dataclasses import replace

from addons.context import Call
from sallyport.providers.usage import Usage
from sallyport.spend.estimate import OutputEstimator
from sallyport.spend.prices import Price, price
from sallyport.spend.recorded_usage import further

GIVEN_UP = "first_byte_timeout"
"""Why an attempt ended that the provider may yet be at work on: it is paid for like that of a client that left."""
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
    cost, answering = _priced(call, usage)
    if answering:
        record.priced_as = call.without_key(answering)
    record.cost_nano, record.unpriced = cost.cost_nano, cost.unpriced
    if call.stopped:  # what the estimate has beyond what was reserved was not passed on
        record.cost_nano = min(record.cost_nano, call.reserved_nano)
    if not record.estimated:
        output.observe(record.api_key_id or "", record.model or "", usage.output_tokens)


def _estimate(call: Call) -> Usage | None:
    """What the provider will bill for an answer that did not say: None for errors, which no provider bills."""
    record, meter = call.record, call.meter
    if record.status is not None and record.status >= 400:
        return None
    if meter is None:
        owed = record.status is not None or record.outcome == "aborted" or record.reason == GIVEN_UP
        return replace(call.expected) if owed else None
    usage = streamed(call)
    unseen = meter.reasoned and not usage.reasoning_tokens  # it thought, and has not said how much
    left = record.outcome == "aborted" and not meter.output_chars  # before a word came: then, too, it was at work
    if unseen or left:
        usage.output_tokens = max(usage.output_tokens, call.expected.output_tokens)
    elif record.outcome == "success":  # it ended in form: whatever it was, it was not nothing
        usage.output_tokens = usage.output_tokens or call.expected.output_tokens
    return usage


def streamed(call: Call) -> Usage:
    """What has been used so far, by the provider's count or by the length of what it has said, whichever is more."""
    meter = call.meter
    if meter is None:
        return replace(call.expected, output_tokens=0)
    partial, counted = meter.partial or call.expected, meter.partial.output_tokens if meter.partial else 0
    return replace(partial, output_tokens=max(counted, -(-meter.output_chars // _CHARS_PER_TOKEN)))


def so_far(call: Call) -> int:
    """Nano-dollars that a running call has cost."""
    return price_of(call, (call.meter and call.meter.usage) or streamed(call)).cost_nano


def price_of(call: Call, usage: Usage) -> Price:
    """By the model that was asked for; where that has no price, by the one that answered."""
    return _priced(call, usage)[0]


def _priced(call: Call, usage: Usage) -> tuple[Price, str | None]:
    """As `price_of`, and the model that answered if the price is its."""
    record, answering = call.record, call.meter and call.meter.model
    cost = price(record.provider or "", record.model or "", usage, at=record.started_at)
    if cost.unpriced and answering and answering != record.model:
        return price(record.provider or "", answering, usage, at=record.started_at), answering
    return cost, None
