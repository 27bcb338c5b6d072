"""Each call as a run in LangSmith, where its workspace names one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sallyport.secret import Secret
from sallyport.tracing.langsmith_outbox import Outbox
from sallyport.tracing.langsmith_run import DEFAULT_ENDPOINT, DEFAULT_PROJECT, LangSmithTarget, run_id, trace_url
from sallyport.tracing.record import CallRecord
from sallyport.upstream_proxy import UpstreamProxy

Resolve = Callable[[str], LangSmithTarget | None]
"""Workspace id → where its runs go; None: nowhere. Called on the event loop: must answer from memory."""

_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LangSmithDefaults:
    """What the environment says, by the variables that LangSmith's SDK reads too, for workspaces that say nothing themselves."""

    api_key: Secret | None = None
    endpoint: str = DEFAULT_ENDPOINT
    project: str = DEFAULT_PROJECT
    tenant_id: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> LangSmithDefaults:
        def value(name: str) -> str:
            return environ.get(name, "").strip()

        return cls(
            api_key=Secret(value("LANGSMITH_API_KEY")) if value("LANGSMITH_API_KEY") else None,
            endpoint=value("LANGSMITH_ENDPOINT").rstrip("/") or DEFAULT_ENDPOINT,
            project=value("LANGSMITH_PROJECT") or DEFAULT_PROJECT,
            tenant_id=value("LANGSMITH_WORKSPACE_ID"),
        )

    def target(
        self, *, api_key: Secret | None = None, endpoint: str | None = None, project: str | None = None
    ) -> LangSmithTarget | None:
        """Where a workspace with these settings of its own sends its runs; None: nowhere.

        The environment's key is never sent to a workspace's own endpoint.
        """
        endpoint = (endpoint or self.endpoint).rstrip("/")
        project = project or self.project
        if api_key is not None:
            return LangSmithTarget(api_key, endpoint, project)
        if self.api_key is None or endpoint != self.endpoint:
            return None
        return LangSmithTarget(self.api_key, endpoint, project, self.tenant_id)


class LangSmithSink:
    """Queues in memory, one queue for each endpoint and key; see `Outbox` for what happens while LangSmith is down."""

    def __init__(self, resolve: Resolve, proxy: UpstreamProxy | None = None) -> None:
        self._resolve = resolve
        self._proxy = proxy
        self._outboxes: dict[tuple[str, Secret, str], Outbox] = {}
        self._dropped_by_ended = 0

    @property
    def dropped(self) -> int:
        """Runs that LangSmith never got: it was down for too long, or refused them."""
        return self._dropped_by_ended + sum(outbox.dropped for outbox in self._outboxes.values())

    @property
    def waiting(self) -> int:
        return sum(outbox.waiting for outbox in self._outboxes.values())

    async def write(self, records: Sequence[CallRecord]) -> None:
        for record in records:
            target = self._target(record)
            if target is not None and not self._outbox(target).put(record, target.project):
                self._retire(target)
                self._outbox(target).put(record, target.project)

    def link(self, record: CallRecord) -> str | None:
        """Where the record's run is seen, if it is traced at all."""
        target = self._target(record)
        return trace_url(target.endpoint, run_id(record)) if target else None

    async def close(self) -> None:
        """Give what waits a few seconds to leave."""
        await asyncio.gather(*(asyncio.to_thread(outbox.close, _CLOSE_SECONDS) for outbox in self._outboxes.values()))

    def _target(self, record: CallRecord) -> LangSmithTarget | None:
        return self._resolve(record.workspace_id) if record.workspace_id else None

    def _outbox(self, target: LangSmithTarget) -> Outbox:
        key = (target.endpoint, target.api_key, target.tenant_id)
        if key not in self._outboxes:
            self._outboxes[key] = Outbox(target, self._proxy)
        return self._outboxes[key]

    def _retire(self, target: LangSmithTarget) -> None:
        self._dropped_by_ended += self._outboxes.pop((target.endpoint, target.api_key, target.tenant_id)).dropped
