"""LangSmith's run ingest, as the `langsmith` SDK uses it: `/info`, `/runs`, `/runs/batch`, `/runs/multipart` and PATCH; and
`/workspaces`, which says what a key is good for.

Strict where the real one is: what it would refuse or silently lose is an error here. Source: the SDK's `client.py` and
`_internal/_operations.py` (0.15), and https://docs.smith.langchain.com/observability/how_to_guides/trace_with_api.
"""

from __future__ import annotations

import io
import json
import uuid
from datetime import datetime
from itertools import pairwise
from typing import Any

import zstandard
from python_multipart import FormParser
from python_multipart.multipart import Field, File, parse_options_header
from starlette.responses import Response

from sallyport.standin.family import Family
from sallyport.standin.script import Refusal
from sallyport.standin.wire import Call, JsonObject, answer, objects

_JSON = "application/json"
_REQUIRED = ("id", "name", "run_type", "start_time", "trace_id", "dotted_order")
_RUN_TYPES = ("tool", "chain", "llm", "retriever", "embedding", "prompt", "parser")
_OUT_OF_BAND = ("inputs", "outputs", "events", "extra", "error", "serialized")
_INFO = {
    "version": "0.16.0",
    "instance_flags": {"zstd_compression_enabled": True, "dataset_examples_multipart_enabled": True},
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 16,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
    },
}


class LangSmith(Family):
    """Assembles runs from what is posted and patched. Not a provider: it has its own credential header, `x-api-key`."""

    name = "langsmith"

    def __init__(self) -> None:
        self.runs: dict[str, JsonObject] = {}
        self.unknown_keys: set[str] = set()
        """Keys that are refused; any other is good, in the workspace that its name says."""

    def takes(self, call: Call) -> bool:
        return call.segments[0] in ("info", "runs", "workspaces") or call.segments[:2] == ["api", "v1"]

    def answer(self, call: Call) -> Response:
        segments = call.segments[2:] if call.segments[:2] == ["api", "v1"] else call.segments
        if (call.method, segments) == ("GET", ["info"]):
            return answer(_INFO, content_type=_JSON)
        key = call.headers.get("x-api-key")
        if not key or key in self.unknown_keys:
            raise Refusal(401, "Invalid token")
        if (call.method, segments) == ("GET", ["workspaces"]):
            return answer(self._workspaces(key), content_type=_JSON)
        match call.method, segments:
            case "POST", ["runs"]:
                self._post(call.json())
            case "PATCH", ["runs", run_id]:
                self._patch(call.json() | {"id": run_id})
            case "POST", ["runs", "batch"]:
                body = call.json()
                for run in objects(body, "post"):
                    self._post(run)
                for run in objects(body, "patch"):
                    self._patch(run)
            case "POST", ["runs", "multipart"]:
                self._take_parts(_parts(call))
            case _:
                raise Refusal(404, "Not Found")
        return answer({"message": "Runs batch ingested"}, status=202, content_type=_JSON)

    def _workspaces(self, key: str) -> list[JsonObject]:
        """`lsv2_pt_NAME_…` is of the workspace `NAME`; one with `noinvoke` may not call the gateway."""
        name = key.split("_")[2] if key.count("_") > 1 else key
        permissions = ["workspaces:read", "runs:read"] + ([] if "noinvoke" in key else ["gateway:invoke"])
        workspace: JsonObject = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
            "organization_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "organization")),
            "created_at": "2024-01-01T00:00:00Z",
            "display_name": name,
            "is_personal": False,
            "is_deleted": False,
            "tenant_handle": None,
            "read_only": False,
            "role_id": None,
            "role_name": "Workspace User",
            "permissions": permissions,
        }
        return [workspace]

    def error(self, refusal: Refusal) -> Response:
        return answer({"detail": refusal.message}, status=refusal.status, content_type=_JSON)

    def _take_parts(self, parts: list[tuple[str, Any]]) -> None:
        """`post.ID` is a run, `post.ID.inputs` one of its large fields; the same for `patch`."""
        operations: dict[tuple[str, str], JsonObject] = {}
        for name, value in parts:
            verb, _, rest = name.partition(".")
            run_id, _, field = rest.partition(".")
            if verb == "attachment" or verb == "feedback":
                continue
            if verb not in ("post", "patch") or (field and field not in _OUT_OF_BAND):
                raise Refusal(422, f"unknown part {name!r}")
            if not field:
                operations[verb, run_id] = value
            elif (verb, run_id) in operations:
                operations[verb, run_id][field] = value
            else:
                raise Refusal(422, f"part {name!r} comes before its run")
        for (verb, run_id), run in operations.items():
            if run.get("id") != run_id:
                raise Refusal(422, f"part {verb}.{run_id} holds the run {run.get('id')!r}")
            self._post(run) if verb == "post" else self._patch(run)

    def _post(self, run: JsonObject) -> None:
        if missing := [name for name in _REQUIRED if not run.get(name)]:
            raise Refusal(422, f"the run lacks {', '.join(missing)}")
        _check(run)
        if run["run_type"] not in _RUN_TYPES:
            raise Refusal(422, f"run_type {run['run_type']!r} is unknown")
        if not run.get("session_name") and not run.get("session_id"):
            raise Refusal(422, "the run names no project (session_name)")
        self.runs[run["id"]] = {**self.runs.get(run["id"], {}), **run}

    def _patch(self, run: JsonObject) -> None:
        if not run.get("id"):
            raise Refusal(422, "the run lacks id")
        known = self.runs.setdefault(run["id"], {})
        known.update({name: value for name, value in run.items() if value is not None})


def _check(run: JsonObject) -> None:
    """Ids are UUIDs, times ISO 8601; a dotted order is `TIMEid`, after its parent's, joined by dots, and agrees with the ids."""
    try:
        for name in ("id", "trace_id", "parent_run_id"):
            if run.get(name) is not None:
                uuid.UUID(run[name])
        for name in ("start_time", "end_time"):
            if run.get(name) is not None:
                datetime.fromisoformat(run[name])
        order: list[tuple[datetime, str]] = []
        for part in run["dotted_order"].split("."):
            # 20240101T120000123456Z, then the id
            order.append((datetime.strptime(part[:-36], "%Y%m%dT%H%M%S%fZ"), part[-36:]))  # noqa: DTZ007 - Z is literal
            uuid.UUID(part[-36:])
    except (ValueError, TypeError, AttributeError) as error:
        raise Refusal(422, f"the run is malformed: {error}") from None
    if order[0][1] != run["trace_id"] or order[-1][1] != run["id"]:
        raise Refusal(422, "dotted_order doesn't begin with trace_id and end with id")
    parent = order[-2][1] if len(order) > 1 else None
    if run.get("parent_run_id") != parent:
        raise Refusal(422, f"dotted_order names the parent {parent}, parent_run_id {run.get('parent_run_id')}")
    if any(later[0] < earlier[0] for earlier, later in pairwise(order)):
        raise Refusal(422, "a run starts before its parent")


def _parts(call: Call) -> list[tuple[str, Any]]:
    """The parts of a multipart body in order, JSON decoded; each must say its length, as the real ingest demands."""
    body = call.body
    if call.headers.get("content-encoding") == "zstd":
        body = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body), read_across_frames=True).read()
    kind, options = parse_options_header(call.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise Refusal(415, "multipart/form-data expected")
    parts: list[tuple[str, Any]] = []

    def take(field: Field) -> None:
        name, value = (field.field_name or b"").decode(), field.value or b""
        try:
            parts.append((name, None if name.startswith("attachment.") else json.loads(value)))
        except ValueError:
            raise Refusal(422, f"part {name!r} is no JSON") from None

    def take_file(file: File) -> None:
        raise Refusal(422, f"part {file.field_name!r} is a file")

    parser = FormParser("multipart/form-data", take, take_file, boundary=options[b"boundary"])
    parser.write(body)
    parser.finalize()
    return parts
