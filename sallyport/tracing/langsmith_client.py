"""Sends runs to one LangSmith endpoint, through its SDK."""

# The SDK's client is typed loosely:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from urllib3.util import Retry

from sallyport.tracing.langsmith_run import LangSmithTarget
from sallyport.tracing.sinks import RejectedError, UnavailableError
from sallyport.upstream_proxy import UpstreamProxy

if TYPE_CHECKING:
    from langsmith import Client

# The SDK logs a part of the API key with every failure; we say what failed ourselves.
logging.getLogger("langsmith.client").setLevel(logging.CRITICAL)

_CONNECT_MS = 5_000
_ANSWER_MS = 30_000
_REFUSED_RUNS = frozenset({400, 413, 415, 422})
"""LangSmith does not take one of the runs, and never will. A key that is refused may be put right."""
_HAS_IT = 409


class LangSmithClient:
    """Not for several threads at once."""

    def __init__(self, target: LangSmithTarget, proxy: UpstreamProxy | None = None) -> None:
        self.target = target
        self._proxy = proxy
        self._errors: list[Exception] = []

    def send(self, runs: Sequence[dict[str, Any]]) -> None:
        """Blocks. Raises RejectedError or UnavailableError."""
        self._errors.clear()
        try:
            self._client.multipart_ingest(create=runs)
        except Exception as error:  # noqa: BLE001, RUF100 - the SDK raises what its parts raise
            self._errors.append(error)
        if not self._errors:
            return
        error = self._errors[0]
        status = _status(error)
        if status in _REFUSED_RUNS:
            raise RejectedError(f"LangSmith answers {status}")
        if status != _HAS_IT:
            why = f"answers {status}" if status else f"can't be reached: {type(error).__name__}"
            raise UnavailableError(f"LangSmith at {self.target.endpoint} {why}")

    @cached_property
    def _client(self) -> Client:
        from langsmith import Client  # half a second and 40 MB, for those only who use it

        session = requests.Session()
        if self._proxy:  # instead of what the environment names
            session.trust_env = False
            session.proxies = self._proxy.for_requests(urlsplit(self.target.endpoint).hostname or "")
        return Client(
            session=session,
            api_url=self.target.endpoint,
            api_key=self.target.api_key.reveal(),
            workspace_id=self.target.tenant_id,  # not the environment's: it may belong to another key
            timeout_ms=(_CONNECT_MS, _ANSWER_MS),
            auto_batch_tracing=False,  # its queue drops the newest, and its thread outlives the process's end
            retry_config=Retry(total=0),
            tracing_mode="langsmith",
            omit_traced_runtime_info=True,  # environment variables are nobody's metadata
            tracing_error_callback=self._errors.append,
            disable_prompt_cache=True,
        )


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error of the SDK, which keeps it only as the error's context."""
    while error is not None:
        if isinstance(error, requests.HTTPError) and error.response is not None:
            return error.response.status_code
        error = error.__cause__ or error.__context__
    return None
