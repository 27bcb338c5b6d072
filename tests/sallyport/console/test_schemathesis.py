"""Requests made from the OpenAPI description, well-formed and not: no 5xx, and no answer that is not described there.

A few for each operation here; `make fuzz-api` asks far more.
"""

# schemathesis leaves many of its types open:
# pyright: reportUnknownMemberType=false, reportUnknownParameterType=false, reportMissingTypeArgument=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sallyport.console import redis_client
from sallyport.console.app import attach, routes
from sallyport.console.context import assemble
from sallyport.settings import Settings
from sallyport.store.opening import open_store
from tests.sallyport.console.bench import ADMIN_KEY

EXAMPLES = int(os.environ.get("SALLYPORT_FUZZ_EXAMPLES", "4"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(routes().openapi()).include(path_regex="^/v1/")


@pytest.fixture(scope="module")
def address(fresh_install: Path, tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> Iterator[str]:
    """A console that is served on loopback, with an event loop of its own."""
    data_dir = tmp_path_factory.mktemp("fuzzed")
    for name in ("gateway.db", "master.key"):
        shutil.copy(fresh_install / name, data_dir / name)
    store = open_store(data_dir / "gateway.db", data_dir / "master.key", {})
    server = uvicorn.Server(uvicorn.Config("", log_config=None, lifespan="off"))
    listening = socket.create_server(("127.0.0.1", 0))  # what is asked before it serves, waits

    async def serve() -> None:
        client = redis_client.connect(redis_server)
        server.config.app = attach(routes(), assemble(Settings(data_dir=data_dir), store, client))
        await server.serve([listening])
        await client.aclose()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    store.engine.dispose()


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
def test_the_api_keeps_to_its_description(case: schemathesis.Case, address: str) -> None:
    case.call_and_validate(base_url=address, headers={"X-API-Key": ADMIN_KEY}, checks=CHECKS)
