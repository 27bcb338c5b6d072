"""Input that a request only names: the provider has it, or fetches it. How much that is nobody can tell from the request.

At most it fills the model's context, so that is what a strict cap reserves. (Tools that run at the provider may read more than
that in several turns of one call; what they used beyond is charged in the end.)
"""

from __future__ import annotations

import re

_KEPT = rb"conversation|previous_response_id|file_ids?|file_?uri|cached_?content|vector_store_ids"
_HELD = rb"(?:" + _KEPT + rb"|url_?context)\""
_FETCHED = rb"(?:image_url|file_url|url)\"\s*:\s*\"(?!data:)"
_TOOLS = rb"web_search|web_fetch|file_search|code_interpreter|code_execution|mcp|google_?search"
# Two patterns that each begin with bytes of their own, which `re` looks for a hundred times faster than for a choice.
_NAMED = re.compile(rb'"(?i:' + b"|".join((_HELD, _FETCHED, _TOOLS)) + rb")")
_OF_ONE_ACCOUNT = re.compile(rb'"(?i:' + _KEPT + rb'|container)"')
_SPELLED_OUT = re.compile(rb"\\u00[4-7]")
"""Letters as no serializer writes them: who does hides a name."""


def names_more(body: bytes) -> bool:
    """Whether the model may read more than stands in this request."""
    return _NAMED.search(body) is not None or _SPELLED_OUT.search(body) is not None


def names_kept(body: bytes) -> bool:
    """Whether the request names what one account at the provider keeps (a file, an earlier response): no other knows it."""
    return _OF_ONE_ACCOUNT.search(body) is not None
