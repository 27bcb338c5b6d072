"""Lists in parts, by key set: a page starts where the one before it ended, whatever was added meanwhile."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import orjson
from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from sallyport.store.errors import Invalid
from sallyport.store.models import Page
from sallyport.store.tables import Base

MOST = 1000
"""The largest page."""

type Sort = Literal["created_at", "-created_at", "name", "-name"]
"""What a list is sorted by; with `-` descending."""
NEWEST: Sort = "-created_at"


def narrowed(query: Select[Any], table: type[Base], equal: Mapping[str, object]) -> Select[Any]:
    """Only rows whose columns have these values; None: any."""
    return query.where(*(getattr(table, name) == value for name, value in equal.items() if value is not None))


def sorted_page[T](
    session: Session, query: Select[Any], table: Any, sort: Sort, limit: int, cursor: str | None, make: Callable[[Any], T]
) -> Page[T]:
    """As `page`, in either direction."""
    order = (getattr(table, sort.removeprefix("-")), table.id)
    return page(session, query, order, limit, cursor, make, ascending=not sort.startswith("-"), endless=False)


def page[R, T](
    session: Session,
    query: Select[R],
    order: tuple[InstrumentedAttribute[Any], ...],
    limit: int,
    cursor: str | None,
    make: Callable[[R], T],
    *,
    ascending: bool = False,
    endless: bool = True,
) -> Page[T]:
    """The rows of `query` after `cursor`, descending by `order`, whose last column must be unique. Raises Invalid.

    Ascending, an `endless` list has no end: `next_cursor` is then also given where nothing more is there yet.
    """
    if not 1 <= limit <= MOST:
        raise Invalid(f"limit must be from 1 to {MOST}, not {limit}")
    if cursor is not None:
        values = [literal(value, column.type) for value, column in zip(_decode(cursor, order), order, strict=True)]
        place, last = tuple_(*order), tuple_(*values)
        query = query.where(place > last if ascending else place < last)
    sorting = (column.asc() if ascending else column.desc() for column in order)
    rows = session.scalars(query.order_by(*sorting).limit(limit + 1)).all()
    follows = ascending and endless
    shown, more = rows[:limit], cursor if follows else None
    if len(rows) > limit or (follows and rows):
        more = _encode([getattr(shown[-1], column.key) for column in order])
    return Page([make(row) for row in shown], more)


def _encode(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def _decode(cursor: str, order: tuple[InstrumentedAttribute[Any], ...]) -> list[Any]:
    try:
        values: Any = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        values = None
    kinds = [column.type.python_type for column in order]
    if not isinstance(values, list) or [type(value) for value in cast(list[Any], values)] != kinds:
        raise Invalid("cursor must be the `next_cursor` of an earlier answer")
    return cast(list[Any], values)
