"""What the administration commands share: the store, opened in place; whom they act as; finding things by name."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sallyport.cli.commands import BadInput, Failure
from sallyport.cli.program import program
from sallyport.paths import DataDir
from sallyport.proxy.snapshots import CHANGED
from sallyport.redis_url import node_url
from sallyport.settings import Settings
from sallyport.store.models import Actor, GatewayKey, Page, User, Workspace
from sallyport.store.opening import open_store
from sallyport.store.operations import Store
from sallyport.supervisor.redis_server import url

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@contextmanager
def opened_store(settings: Settings) -> Generator[Store]:
    """The store of the gateway, running or not; the workers of a running one learn of each change at once.

    Raises Failure where no gateway was started yet, StoreError.
    """
    data = DataDir(settings.data_dir)
    if settings.database_url is None and not data.database.exists():
        raise Failure(f"there is no gateway in {data.root} yet: start it once with `{program(settings)} serve`")
    store = open_store(
        settings.database_url or data.database, data.master_key, create=False, on_change=lambda: _announce(redis_url(settings))
    )
    try:
        yield store
    finally:
        store.engine.dispose()


def redis_url(settings: Settings) -> str:
    """Of the gateway's Redis, its own or the one that was named."""
    return settings.redis_url or url(DataDir(settings.data_dir).redis_socket)


def _announce(where: str) -> None:
    """No gateway may be running; one that is and can't hear us looks for changes by itself every few seconds."""
    with (
        suppress(redis.RedisError),
        redis.Redis.from_url(node_url(where), retry=Retry(NoBackoff(), 0), socket_connect_timeout=1) as client,
    ):
        client.publish(CHANGED, "cli")


def actor() -> Actor:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = str(os.getuid())
    return Actor(f"cli:{name}")


def every[T](list_page: Callable[[int, str | None], Page[T]]) -> Iterator[T]:
    """All items of a paged list."""
    cursor: str | None = None
    while True:
        page = list_page(1000, cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def find_workspace(store: Store, name_or_id: str) -> Workspace:
    """Raises BadInput."""
    for workspace in every(store.list_workspaces):
        if name_or_id in (workspace.id, workspace.name):
            return workspace
    raise BadInput(f"there is no workspace {name_or_id!r}")


def find_user(store: Store, name_or_id: str) -> User:
    """By id, name or e-mail address. Raises BadInput."""
    found = [user for user in every(store.list_users) if name_or_id in (user.id, user.name, user.email)]
    if not found:
        raise BadInput(f"there is no user {name_or_id!r}")
    if len(found) > 1:
        raise BadInput(f"{len(found)} users are called {name_or_id!r}; give an id: {', '.join(user.id for user in found)}")
    return found[0]


def find_key(store: Store, name_or_id: str) -> GatewayKey:
    """By id, or by the name of a key that is not revoked. Raises BadInput."""
    keys = list(every(store.list_keys))
    found = [key for key in keys if key.id == name_or_id] or [
        key for key in keys if key.name == name_or_id and key.revoked_at is None
    ]
    if not found:
        raise BadInput(f"there is no key {name_or_id!r}")
    if len(found) > 1:
        raise BadInput(f"{len(found)} keys are called {name_or_id!r}; give an id: {', '.join(key.id for key in found)}")
    return found[0]


def parse_expiry(text: str) -> float:
    """UTC seconds of `30d`, `12h`, `2026-01-31` or `2026-01-31T12:00:00Z`. Raises BadInput."""
    number, unit = text[:-1], text[-1:]
    now = datetime.now(UTC)
    try:
        moment = (
            now + timedelta(seconds=int(number) * _UNITS[unit]) if unit in _UNITS else datetime.fromisoformat(text).astimezone()
        )
    except (ValueError, OverflowError):
        raise BadInput(f"--expires: {text!r} is neither a span such as 30d or 12h nor a date such as 2026-01-31") from None
    if moment <= now:
        raise BadInput(f"--expires: {text!r} is past")
    return moment.timestamp()
