"""What all operations of the API have in common is put into its OpenAPI description here, once."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from sallyport.console.errors import PROBLEM_JSON, description, speaks_problems

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "Any text of yours. Sent again within 24 hours with the same body, the request is not done again: the answer "
    "is the first one, with `Idempotency-Replayed: true`.",
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `ETag` of an earlier answer: the change is made only if it is still in that state.",
    "example": "*",
}
_ETAG = {"description": "The state that is shown, for `If-Match`.", "schema": {"type": "string"}}


def install(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            for path, operations in schema["paths"].items():
                if path.startswith("/v1/"):
                    for method, operation in operations.items():
                        _complete(path, method, operation)
        return generate()

    app.openapi = openapi


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    answers: dict[str, Any] = operation["responses"]
    if "201" not in answers:
        answers.pop("422", None)  # FastAPI describes its own; ours are 400
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    if "201" in answers:
        parameters.append(_IDEMPOTENCY_KEY)
        _add(answers, 409, 422)
    if method in ("put", "patch", "delete"):
        parameters.append(_IF_MATCH)
        _add(answers, 412)
    if path.endswith("}") and "200" in answers:
        answers["200"]["headers"] = {"ETag": _ETAG}
    _add(answers, 413)
    for status, answer in answers.items():
        if int(status) >= 400 and speaks_problems(path):
            answer["content"] = {PROBLEM_JSON: answer["content"].get("application/json") or answer["content"][PROBLEM_JSON]}


def _add(answers: dict[str, Any], *statuses: int) -> None:
    for status in statuses:
        schema = {"$ref": "#/components/schemas/Problem"}
        answers[str(status)] = {"description": description(status), "content": {"application/json": {"schema": schema}}}
