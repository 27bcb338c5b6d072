"""The names behind the ids on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select

from sallyport.store.database import reading
from sallyport.store.tables import GatewayKeyRow, OrganizationRow, UserRow, WorkspaceRow

_TABLES: tuple[tuple[str, type[Any]], ...] = (
    ("organization_id", OrganizationRow),
    ("workspace_id", WorkspaceRow),
    ("user_id", UserRow),
    ("api_key_id", GatewayKeyRow),
)


@dataclass(frozen=True, slots=True)
class Ids:
    """What is not a call but belongs to somebody too."""

    organization_id: str | None = None
    workspace_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None


def names_of_ids(engine: Engine, subjects: Iterable[Mapping[str, str | list[str]]]) -> dict[str, str]:
    """Id → name, for what policies name by matcher keys."""
    keys = tuple(key for key, _ in _TABLES)
    pairs = ((key, value) for subject in subjects for key, value in subject.items() if key in keys)
    rows = [Ids(**{key: id}) for key, value in pairs for id in ([value] if isinstance(value, str) else value)]
    return names_of(engine, rows)


def names_of(engine: Engine, rows: Iterable[Any]) -> dict[str, str]:
    """Id → name for the organizations, workspaces, users and keys that `rows` (calls, violations) are of."""
    rows = list(rows)
    names: dict[str, str] = {}
    with reading(engine) as connection:
        for attribute, table in _TABLES:
            ids = {getattr(row, attribute) for row in rows} - {None}
            if ids:
                found = connection.execute(select(table.id, table.name).where(table.id.in_(ids)))
                names.update({row.id: row.name for row in found})
    return names
