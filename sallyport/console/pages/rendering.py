"""Templates, escaped by default, and what each of them is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sallyport.console.pages import formats
from sallyport.store.roles import Permission

if TYPE_CHECKING:  # it imports what imports this
    from sallyport.console.auth import Admin

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(formats.FILTERS)


@dataclass(frozen=True, slots=True)
class Notice:
    """One line above a page; `key` is a new gateway key, shown this once."""

    text: str
    kind: Literal["good", "bad"] = "good"
    key: str | None = None


def render(request: Request, template: str, *, notice: Notice | None = None, status: int = 200, **context: Any) -> HTMLResponse:
    """The template with `context`, `here` (the page's section), `may` (who asks has this permission) and `query` (the query
    string with changes).
    """
    admin: Admin | None = getattr(request.state, "admin", None)

    def may(permission: Permission) -> bool:
        return admin is not None and admin.may(permission)

    def query(**changes: str | None) -> str:
        merged = {**request.query_params, **changes}
        return urlencode({name: value for name, value in merged.items() if value})

    here = "/" + request.url.path.split("/")[1]
    html = _ENVIRONMENT.get_template(template).render(here=here, may=may, notice=notice, query=query, **context)
    return HTMLResponse(html, status)
