"""What every route of the console stands on: one object, made by `assemble`, found through `ConsoleDep`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from redis.asyncio import Redis
from starlette.requests import HTTPConnection

from sallyport.alerts.post import Poster
from sallyport.console.admins import Admins
from sallyport.console.call_counters import CallCounters
from sallyport.console.figures import Figures
from sallyport.console.sessions import Sessions
from sallyport.settings import Settings
from sallyport.spend.ledger.writing import Link
from sallyport.store.operations import Store
from sallyport.tracing.recorder import Recorder
from sallyport.tracing.relay import Relay
from sallyport.tracing.sinks import Sink


@dataclass(frozen=True, slots=True)
class Console:
    settings: Settings
    store: Store
    redis: Redis
    recorder: Recorder
    relays: Sequence[Relay]
    counters: CallCounters
    admins: Admins
    sessions: Sessions
    figures: Figures
    poster: Poster


def assemble(
    settings: Settings,
    store: Store,
    redis: Redis,
    sinks: Sequence[Sink] = (),
    relays: Sequence[Relay] = (),
    link: Link | None = None,
) -> Console:
    """A console on these stores. The rest is the recorder's; whoever calls this runs `console.recorder` and the relays."""
    counters = CallCounters()
    return Console(
        settings=settings,
        store=store,
        redis=redis,
        recorder=Recorder(redis, store.engine, [counters, *sinks], relays, link=link),
        relays=relays,
        counters=counters,
        admins=Admins(store),
        sessions=Sessions(store.vault.audit_key()),
        figures=Figures(store.engine),
        poster=Poster(settings),
    )


def get_console(connection: HTTPConnection) -> Console:
    return cast(Console, connection.app.state.console)


ConsoleDep = Annotated[Console, Depends(get_console)]
