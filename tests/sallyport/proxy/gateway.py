"""An installation and its worker processes, as tests on the wire use them."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import signal
import socket
import ssl
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import redis

from sallyport.paths import DataDir
from sallyport.settings import Settings
from sallyport.spend import keys
from sallyport.tracing.record import CallRecord
from tests.sallyport.proxy.wire import PATIENCE, Provider, Wire, answer, eventually, request

SECRETS = {
    "OPENAI_API_KEY": "sk-provider-openai",
    "ANTHROPIC_API_KEY": "sk-ant-provider",
    "GOOGLE_API_KEY": "AIza-provider",
    "FIREWORKS_API_KEY": "fw_provider",
    "BASETEN_API_KEY": "bt_provider",
}
CHAT = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
ANSWER = b'{"model":"gpt-4o-mini","choices":[{"message":{"content":"hello"}}],"usage":{"prompt_tokens":9,"completion_tokens":3}}'


@dataclass
class Installation:
    """A data dir with a CA, a store and one key, and the providers' ports."""

    data: DataDir
    key: str
    redis_url: str
    settings: dict[str, Any]
    openai: Provider
    """Plain HTTP."""
    anthropic: Provider
    """TLS that the gateway trusts."""
    gemini: Provider
    """TLS that it does not trust."""


def full_port() -> list[socket.socket]:
    """A port (of the first socket) that takes no more connections: those that try get no answer at all."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(server.getsockname())
    return [server, *waiting]


@dataclass
class Worker:
    """One data-plane process, as the supervisor would start it."""

    installation: Installation
    settings: Settings
    process: subprocess.Popen[bytes]
    log: Path
    records: redis.Redis = field(repr=False)

    @property
    def port(self) -> int:
        return self.settings.listen.port

    @property
    def key(self) -> str:
        return self.installation.key

    @property
    def auth(self) -> str:
        return f"Authorization: Bearer {self.key}"

    def as_caller(self, key: str) -> Worker:
        """The same worker, called with another key."""
        return replace(self, installation=replace(self.installation, key=key))

    def dial(self) -> Wire:
        return Wire(socket.create_connection(("127.0.0.1", self.port)))

    def ask(self, data: bytes) -> Wire:
        return self.dial().send(data)

    def chat(self, *fields: str, body: bytes = CHAT) -> bytes:
        return request("POST", "/openai/v1/chat/completions", self.auth, *fields, body=body)

    def connect(self, target: str, *fields: str) -> Wire:
        """A tunnel, up to the blank line of its answer, which must be 200."""
        wire = self.ask(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n".encode() + self._proxy_auth(*fields))
        head = wire.head()
        assert head.status == 200, head
        return wire

    def _proxy_auth(self, *fields: str) -> bytes:
        return "\r\n".join([f"Proxy-Authorization: Bearer {self.key}", *fields, "", ""]).encode()

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.installation.data.ca_cert)

    def record(self, call_id: str) -> CallRecord:
        """The record of a call, once it is published. There must be one only."""
        found = eventually(lambda: [r for r in self.all_records() if r.id == call_id], f"the record of {call_id}")
        assert len(found) == 1
        return found[0]

    def last_record(self, after: int) -> CallRecord:
        """The one record that was published after there were so many."""
        found = eventually(lambda: self.all_records()[after:], "a record")
        assert len(found) == 1
        return found[0]

    def all_records(self) -> list[CallRecord]:
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], self.records.xrange("{default}:calls"))
        return [CallRecord.from_json(entry[b"record"]) for _, entry in entries]

    def reserved(self) -> int:
        return int(self.records.hlen("{default}:reservations"))

    def works(self) -> None:
        """An ordinary call goes through, and holds nothing afterwards."""
        with self.ask(self.chat()) as client, self.installation.openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            reply = client.message()
        assert reply.status == 200
        assert reply.body == ANSWER
        eventually(lambda: self.reserved() == 0, "no reservation is left")

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)


def clean(worker: Worker) -> None:
    """Nothing that another test left: no connection, no record, no reservation."""
    for provider in (worker.installation.openai, worker.installation.anthropic, worker.installation.gemini):
        provider.forget()
    worker.records.flushall()
    worker.records.set(keys.epoch("default"), "1")  # as the console leaves it, once it has rebuilt the counters
