"""A worker's services around real parts: a real snapshot, a real Redis; flows are made by mitmproxy's own factory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from mitmproxy import http
from mitmproxy.http import Headers
from mitmproxy.test import tflow

from addons.route import ORIGIN_FORM
from addons.services import Services
from sallyport.redaction.redactor import Redactor
from sallyport.settings import Settings
from sallyport.spend.batch_files import BatchFiles
from sallyport.spend.gate import SpendGate
from tests.addons.support import MakeFlow, make_snapshot
from tests.sallyport.spend.desk import whole


@pytest.fixture
async def services(redis_url: str) -> AsyncIterator[Services]:
    client = redis.asyncio.Redis.from_url(redis_url)
    await whole(client, "default")
    yield Services(
        settings=Settings(),
        spend=SpendGate(client, lease_seconds=30),
        batch_files=BatchFiles(client),
        redactor=Redactor(None),
        snapshot=make_snapshot(),
    )
    await client.aclose()


@pytest.fixture
def make_flow() -> MakeFlow:
    def make(
        method: str = "POST",
        path: str = "/openai/v1/chat/completions",
        *,
        host: str = "127.0.0.1",
        origin_form: bool = True,
        content: bytes = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}',
        **headers: str,
    ) -> http.HTTPFlow:
        flow = tflow.tflow()
        fields = [(b"host", host.encode())]
        fields += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        flow.request = http.Request.make(method, f"http://{host}{path}")
        flow.request.headers, flow.request.path = Headers(fields), path
        flow.request.raw_content = content  # as it is: what its headers say of it may be untrue
        if origin_form:
            flow.metadata[ORIGIN_FORM] = True
        return flow

    return make
