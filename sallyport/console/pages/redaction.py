"""The page that tries a guard: on a text that is pasted in, or on recorded calls."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from sallyport.console.api.redactions import ReplayIn, replay_calls, try_text
from sallyport.console.auth import PageReader
from sallyport.console.context import ConsoleDep
from sallyport.console.pages.forms import Field
from sallyport.console.pages.rendering import render
from sallyport.redaction.trial import Trial

router = APIRouter(prefix="/redaction")


@router.get("")
def redaction_page(request: Request, _admin: PageReader) -> Response:
    return _show(request, {})


@router.post("")
async def try_page(
    request: Request, console: ConsoleDep, _admin: PageReader, text: Field = "", pii: Field = "", secrets: Field = ""
) -> Response:
    """Answers with the page itself: what was pasted in must not stand in a URL."""
    chosen = {"text": text, "pii": bool(pii), "secrets": bool(secrets)}
    return _show(request, chosen, trial=await try_text(console, text, pii=bool(pii), secrets=bool(secrets)))


@router.post("/replay")
async def replay_page(request: Request, console: ConsoleDep, admin: PageReader, pii: Field = "", secrets: Field = "") -> Response:
    chosen = {"pii": bool(pii), "secrets": bool(secrets)}
    replayed = await replay_calls(console, admin, ReplayIn(pii=bool(pii), secrets=bool(secrets)))
    return _show(request, chosen, replayed=replayed)


def _show(request: Request, chosen: dict[str, Any], *, trial: Trial | None = None, replayed: Any = None) -> Response:
    chosen = {"text": "", "pii": True, "secrets": True} | chosen
    return render(request, "redaction.html", chosen=chosen, trial=trial, replayed=replayed)
