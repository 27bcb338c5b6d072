"""LangSmith keys as callers, against a LangSmith that answers as the real one does."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons import langsmith_callers
from addons.langsmith_callers import LangSmithCallers
from addons.refusal import Refusal
from sallyport.settings import Settings
from sallyport.standin import StandIn
from sallyport.store.load import load_snapshot
from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from sallyport.store.operations import Store
from sallyport.store.snapshot import Key, Snapshot

TEST = Actor("test")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def langsmith() -> Iterator[StandIn]:
    with StandIn(plain=True) as standin:
        yield standin


class Desk:
    """A store, a worker's callers on it, and a clock to set."""

    def __init__(self, store: Store, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.now = 1000.0
        self.key = f"lsv2_pt_blue_{next(_numbers)}"
        self.set(langsmith_endpoint=endpoint, langsmith_callers=workspace_named("blue"))
        self.callers = LangSmithCallers(Settings(), store, self.snapshot)
        monkeypatch.setattr(langsmith_callers.time, "monotonic", lambda: self.now)

    def set(self, **changes: str | None) -> None:
        self.store.update_workspace(TEST, "default", changes)

    def snapshot(self) -> Snapshot:
        return load_snapshot(self.store.engine, self.store.vault)

    async def check(self, key: str | None = None, *, after: float = 0.0) -> Key | Refusal:
        self.now += after
        return await self.callers.check(key or self.key)


def workspace_named(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@pytest.fixture
def desk(langsmith: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    langsmith.clear()
    store = open_store(tmp_path / "gateway.db", tmp_path / "master.key", {})
    store.first_start()
    yield Desk(store, langsmith.url, monkeypatch)
    store.engine.dispose()


def asked(langsmith: StandIn) -> int:
    return sum(received.target.startswith("/workspaces") for received in langsmith.requests())


async def test_a_key_is_a_caller_of_the_workspace_that_trusts_its_own(desk: Desk, langsmith: StandIn) -> None:
    first = await desk.check()
    assert isinstance(first, Key)
    assert (first.workspace_id, first.prefix) == ("default", "lsv2_pt_blue")
    assert await desk.check() == first
    assert asked(langsmith) == 1
    (row,) = desk.store.list_keys().items
    assert row.id == first.id
    assert desk.key not in str(desk.store.list_audit().items)
    ada = desk.store.create_user(TEST, {"name": "Ada"}).id
    desk.store.update_key(TEST, row.id, {"user_id": ada})
    again = await desk.check()
    assert isinstance(again, Key)
    assert again.user_id == ada


async def test_many_calls_at_once_ask_once(desk: Desk, langsmith: StandIn) -> None:
    keys = await asyncio.gather(*(desk.check() for _ in range(20)))
    assert len({key.id for key in keys if isinstance(key, Key)}) == 1
    assert asked(langsmith) == 1


@pytest.mark.parametrize("key", ["lsv2_pt_red_1", "lsv2_pt_blue_noinvoke"])
async def test_other_keys_are_nobodys(desk: Desk, key: str) -> None:
    refusal = await desk.check(key)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason) == (401, "key_unknown")
    assert desk.store.list_keys().items == []


async def test_no_key_leaves_a_gateway_that_trusts_none(desk: Desk, langsmith: StandIn) -> None:
    desk.set(langsmith_callers=None)
    refusal = await desk.check()
    assert isinstance(refusal, Refusal)
    assert refusal.status == 401
    assert asked(langsmith) == 0


async def test_a_revoked_key_is_out_within_a_minute(desk: Desk, langsmith: StandIn) -> None:
    assert isinstance(await desk.check(), Key)
    langsmith.revoke(desk.key)
    assert isinstance(await desk.check(after=20), Key)
    assert isinstance(await desk.check(after=40), Refusal)
    assert isinstance(await desk.check(), Refusal)


async def test_what_is_refused_is_not_asked_for_each_call(desk: Desk, langsmith: StandIn) -> None:
    for _ in range(5):
        await desk.check("lsv2_pt_red_9", after=1)
    assert asked(langsmith) == 1
    await desk.check("lsv2_pt_red_9", after=10)
    assert asked(langsmith) == 2


async def test_while_langsmith_is_away_its_last_word_holds_for_a_while(desk: Desk) -> None:
    assert isinstance(await desk.check(), Key)
    desk.set(langsmith_endpoint="http://127.0.0.1:9")
    assert isinstance(await desk.check(after=60), Key)
    assert isinstance(await desk.check(after=800), Key)
    refusal = await desk.check(after=60)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason) == (503, "langsmith_unavailable")
    stranger = await desk.check("lsv2_pt_blue_new")
    assert isinstance(stranger, Refusal)
    assert stranger.status == 503


async def test_what_an_admin_decides_holds_at_once(desk: Desk) -> None:
    key = await desk.check()
    assert isinstance(key, Key)
    desk.store.revoke_key(TEST, key.id)
    revoked = await desk.check()
    assert isinstance(revoked, Key)
    assert revoked.revoked
    desk.set(langsmith_callers=workspace_named("red"))
    assert isinstance(await desk.check(after=1), Refusal)
