"""What the resources share: how a name, a time and a list look on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from sallyport.spend.ledger.calls import iso
from sallyport.store.paging import Sort

Id = Annotated[
    str, Path(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$", examples=["01934b1c-7f2a-7c3e-9d52-0a4f6f1f8f11"])
]

Filter = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
"""A query parameter that narrows a list."""

SortBy = Annotated[Sort, Query(description="Descending with `-` before it.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the part before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="The most items to answer with.")]


def _utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not between the years 1 and 9999 in UTC") from None


def _rfc3339(value: object) -> object:
    return iso(value) if isinstance(value, float | int) else value


Time = Annotated[str, BeforeValidator(_rfc3339), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time in an answer: RFC 3339, UTC."""

TimeIn = Annotated[datetime, AfterValidator(_utc)]
"""A time in a request: ISO 8601 (UTC where it names no zone) or Unix seconds."""


class Body(BaseModel):
    """A request body: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer, made from what the store hands out."""

    model_config = ConfigDict(from_attributes=True)


class ListOf[T](Answer):
    """A part of a list; `next_cursor`, when there is one, continues it by `?cursor=`."""

    items: list[T]
    next_cursor: str | None = None


def seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()
