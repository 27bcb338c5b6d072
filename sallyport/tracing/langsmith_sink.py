"""Each call as a run in LangSmith, where its workspace names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sallyport.secret import Secret
from sallyport.tracing.langsmith_client import LangSmithClient
from sallyport.tracing.langsmith_run import DEFAULT_ENDPOINT, DEFAULT_PROJECT, LangSmithTarget, run_id, run_of, trace_url
from sallyport.tracing.record import CallRecord
from sallyport.tracing.sinks import RejectedError
from sallyport.upstream_proxy import UpstreamProxy

Resolve = Callable[[str], LangSmithTarget | None]
"""Workspace id → where its runs go; None: nowhere. Must answer from memory, on any thread."""


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
    """A lane is a workspace. Each sends through a client of its own, as its threads do not share one."""

    name = "langsmith"

    def __init__(self, resolve: Resolve, proxy: UpstreamProxy | None = None) -> None:
        self._resolve = resolve
        self._proxy = proxy
        self._clients: dict[str, LangSmithClient] = {}

    def lane(self, record: CallRecord) -> str | None:
        return record.workspace_id if self._target(record) else None

    def send(self, lane: str, records: Sequence[CallRecord]) -> None:
        target = self._resolve(lane)
        if target is None:
            raise RejectedError("the workspace has no LangSmith any more")
        client = self._clients.get(lane)
        if client is None or client.target != target:
            client = self._clients[lane] = LangSmithClient(target, self._proxy)
        client.send([_run_of(record, target.project) for record in records])

    def link(self, record: CallRecord) -> str | None:
        """Where the record's run is seen, if it is traced at all."""
        target = self._target(record)
        return trace_url(target.endpoint, run_id(record)) if target else None

    def _target(self, record: CallRecord) -> LangSmithTarget | None:
        return self._resolve(record.workspace_id) if record.workspace_id else None


def _run_of(record: CallRecord, project: str) -> dict[str, Any]:
    try:
        return run_of(record, project)
    except (ValueError, OverflowError):
        raise RejectedError(f"the call {record.id} can't be shown as a run") from None
