"""Troubles that belong to one model or one key: what is called `…answers-503…` answers 503, whatever it is asked."""

from __future__ import annotations

import re

from sallyport.standin.script import Refusal
from sallyport.standin.wire import Call

_NAMED = re.compile(r"answers-(\d{3})")
_MODEL = re.compile(rb'"model"\s*:\s*"[^"]*answers-(\d{3})')
_CREDENTIALS = ("authorization", "x-api-key", "x-goog-api-key", "x-amz-security-token")


def check_trouble(call: Call) -> None:
    """Raises Refusal."""
    in_body = _MODEL.search(call.body)
    places = (call.path, *(call.headers.get(name, "") for name in _CREDENTIALS))
    found = next(filter(None, map(_NAMED.search, places)), None)
    if status := int(in_body[1]) if in_body else int(found[1]) if found else 0:
        raise Refusal(status, f"the stand-in was asked to answer {status}")
