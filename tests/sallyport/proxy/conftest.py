"""A real worker process, with providers that the test itself plays."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from certs.authority import write_authority
from sallyport.paths import DataDir
from sallyport.providers import PROVIDERS
from sallyport.secret import Secret
from sallyport.settings import Address, Settings
from sallyport.standin.tls import make_certificates
from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from sallyport.supervisor.child import READY_FD
from sallyport.supervisor.ports import reserved
from tests.sallyport.proxy.gateway import SECRETS, Installation, Worker, clean, full_port
from tests.sallyport.proxy.outages import Outages, outages
from tests.sallyport.proxy.wire import Provider
from tests.sallyport.spend.desk import whole

ROOT = Path(__file__).parents[3]
_BODY = 256 * 1024


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> Iterator[Installation]:
    root = tmp_path_factory.mktemp("wire")
    data = DataDir(root / "data")
    data.root.mkdir()
    trusted, untrusted = make_certificates(root / "trusted"), make_certificates(root / "untrusted")
    write_authority(data, [domain for provider in PROVIDERS.values() for domain in provider.name_constraints], (), trusted.ca)
    store = open_store(data.database, data.master_key, {}, create=True)
    store.first_start()
    actor = Actor("test", "127.0.0.1")
    key = store.create_key(actor, workspace_id="default", name="wire").key.reveal()
    for name, value in SECRETS.items():
        store.put_secret(actor, "default", name, Secret(value))
    store.engine.dispose()
    servers = []
    for certificates in (trusted, untrusted):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        servers.append(context)
    servers[0].set_alpn_protocols(["h2", "http/1.1"])
    openai, anthropic, gemini = Provider(), Provider(servers[0]), Provider(servers[1])
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = gone.getsockname()[1]
    full = full_port()
    settings: dict[str, Any] = {
        "upstreams": {
            "openai": openai.url,
            "anthropic": anthropic.url,
            "gemini": gemini.url,
            "fireworks": f"http://127.0.0.1:{dead}",
            "baseten": f"http://127.0.0.1:{full[0].getsockname()[1]}",
        },
        "upstream_ca": trusted.ca,
        "allow_destinations": ("127.0.0.0/8",),
    }
    asyncio.run(_begin(redis_server))
    yield Installation(data, key, redis_server, settings, openai, anthropic, gemini)
    for server in (openai, anthropic, gemini, *full):
        server.close()


async def _begin(redis_url: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await whole(client, "default")


@pytest.fixture(scope="session")
def start_worker(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`start_worker(**settings)` starts one more; at the end all are stopped, and their logs may show no crash."""
    with ExitStack() as stack:
        workers: list[Worker] = []

        def start(**changes: Any) -> Worker:
            listen = stack.enter_context(reserved(Address(host="127.0.0.1", port=0), "--listen"))
            console = stack.enter_context(reserved(Address(host="127.0.0.1", port=0), "--console"))
            settings = Settings(
                data_dir=installation.data.root, listen=listen, console=console, redis_url=installation.redis_url,
                workers=1, ner_workers=0, log_level="info", **{**installation.settings, **changes},
            )  # fmt: skip
            log = tmp_path_factory.mktemp("worker") / "log"
            ready, report = os.pipe()
            process = subprocess.Popen(
                [sys.executable, "-m", "sallyport.proxy.worker"],  # with asserts: mitmproxy checks its states by them
                stdin=subprocess.PIPE, stderr=log.open("wb"), pass_fds=[report], cwd=ROOT,
                env={**os.environ, READY_FD: str(report)},
            )  # fmt: skip
            stack.callback(process.kill)
            os.close(report)
            assert process.stdin is not None
            process.stdin.write(settings.model_dump_json().encode())
            process.stdin.close()
            with os.fdopen(ready, "rb") as pipe:
                assert pipe.read() == b"ready\n", log.read_text()
            records = redis.Redis.from_url(installation.redis_url)
            stack.callback(records.close)
            workers.append(Worker(installation, settings, process, log, records))
            return workers[-1]

        yield start
        for worker in workers:
            if worker.process.poll() is None:
                worker.terminate()
                assert worker.wait() == 0  # less than a drain's time: no call was left in flight
            text = worker.log.read_text()
            shutil.copyfileobj(worker.log.open(), sys.stderr)
            assert "Traceback" not in text
            assert "crashed" not in text
            for secret in (*SECRETS.values(), worker.key):
                assert secret not in text


@pytest.fixture(scope="session")
def shared_worker(start_worker: Any) -> Worker:
    return start_worker(max_body_bytes=_BODY)


@pytest.fixture(scope="session")
def hasty_worker(start_worker: Any) -> Worker:
    return start_worker(max_body_bytes=_BODY, response_timeout=1.5, connect_timeout=1.0)


@pytest.fixture
def worker(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Worker]:
    """The worker that most tests share. After each test it must work, and hold nothing.

    Only with the mark `hasty` it soon gives up on a provider: a busy machine may not run a test's own provider in time.
    """
    worker: Worker = request.getfixturevalue("hasty_worker" if request.node.get_closest_marker("hasty") else "shared_worker")
    clean(worker)
    yield worker
    installation.openai.forget()
    worker.works()


@pytest.fixture
def openai(worker: Worker) -> Provider:
    return worker.installation.openai


@pytest.fixture
def anthropic(worker: Worker) -> Provider:
    return worker.installation.anthropic


@pytest.fixture(scope="session")
def shared_outages(installation: Installation, start_worker: Any) -> Iterator[Outages]:
    with outages(installation, start_worker) as shared:
        yield shared


@pytest.fixture
def out(shared_outages: Outages) -> Iterator[Outages]:
    """Workspaces with fallback chains. After each test their worker must work, and hold nothing."""
    shared_outages.clean()
    yield shared_outages
    for provider in shared_outages.providers.values():
        provider.forget()
    shared_outages.works()
