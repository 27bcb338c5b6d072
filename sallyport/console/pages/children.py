"""The page of a default cap's children: each subject it holds for, and what that has spent."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from sallyport.console.api.policies import children_of
from sallyport.console.api.types import Id
from sallyport.console.auth import PageReader
from sallyport.console.context import ConsoleDep
from sallyport.console.pages.names import names_of_ids
from sallyport.console.pages.overview import use
from sallyport.console.pages.rendering import render

router = APIRouter()

_MOST = 1000


@router.get("/policies/{id}/children")
def children_page(request: Request, console: ConsoleDep, admin: PageReader, id: Id) -> Response:
    parent = admin.store.get_policy(id)
    found = children_of(console, parent, _MOST)
    subjects = [{matcher["key"]: matcher["value"] for matcher in child["subject_matchers"]} for child in found]
    return render(
        request,
        "children.html",
        parent=parent,
        children=[(child, use(child)) for child in found],
        most=_MOST,
        names=names_of_ids(console.store.engine, subjects),
    )
