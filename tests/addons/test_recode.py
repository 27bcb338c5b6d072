"""What a further attempt sends of a body that came compressed."""

from __future__ import annotations

import gzip
from typing import Any, cast

from mitmproxy.test import tflow

from addons.attempt import Failure
from addons.context import Call, Coded, start_call
from addons.recode import Recode
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import CallRecord

PLAIN = b'{"model":"m"}'


def test_a_further_attempt_goes_plain():
    flow = tflow.tflow()
    call = Call(CallRecord(id="1", started_at=0.0), Snapshot(), coded=Coded("gzip", gzip.compress(PLAIN), PLAIN))
    start_call(flow, call)
    flow.request.headers["content-encoding"] = "gzip"
    flow.request.raw_content = PLAIN
    recode = Recode(cast(Any, None))
    recode.request(flow)
    assert flow.request.raw_content == gzip.compress(PLAIN)
    recode.attempt_failed(flow, Failure())
    assert flow.request.raw_content == PLAIN
    assert "content-encoding" not in flow.request.headers
    assert flow.request.headers["content-length"] == str(len(PLAIN))
