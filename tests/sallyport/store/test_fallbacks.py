from typing import Any

import pytest

from sallyport.store.errors import Invalid
from sallyport.store.fallbacks import ON_STATUS, Chain, Target, chains, checked
from sallyport.store.load import load_snapshot
from sallyport.store.models import Actor
from sallyport.store.operations import Store

CLAUDE: dict[str, Any] = {"when": {"provider": "anthropic", "model": "claude-*"}, "then": [{"model": "claude-haiku-4-5"}]}


def test_what_is_left_out_has_its_default() -> None:
    stored = checked("fallbacks", [{"when": {"provider": "openai"}, "then": [{"provider": "fireworks"}]}])
    assert chains(stored) == (Chain("openai", "*", (Target("fireworks", None),), frozenset(ON_STATUS), True, None),)
    assert checked("fallbacks", stored) == stored


MISTAKES: list[tuple[Any, str]] = [
    ("x", "fallbacks must be a list of 0 to 100 chains"),
    (["x"], r"fallbacks\[0\] must be an object with when, then"),
    ([CLAUDE | {"wehn": 1}], r"fallbacks\[0\]\.wehn is not known; what is known is when, then"),
    ([CLAUDE | {"when": {"provider": "acme"}}], r"fallbacks\[0\]\.when\.provider must be anthropic or .*, not 'acme'"),
    ([CLAUDE | {"then": []}], r"fallbacks\[0\]\.then must be a list of 1 to 5 targets"),
    ([CLAUDE | {"then": [{"model": "m"}] * 6}], r"fallbacks\[0\]\.then must be a list of 1 to 5 targets"),
    ([CLAUDE, CLAUDE | {"then": [{}]}], r"fallbacks\[1\]\.then\[0\] must name a model, or another provider than anthropic"),
    ([CLAUDE | {"then": [{"provider": "openai"}]}], r"then\[0\]\.provider: openai serves no format of anthropic.*baseten"),
    ([CLAUDE | {"then": [{"provider": "bedrock"}]}], r"then\[0\]\.provider: bedrock serves no format of anthropic"),
    ([CLAUDE | {"on_status": [200]}], r"on_status\[0\] must be a status from 400 to 599, not 200"),
    ([CLAUDE | {"on_transport_error": 1}], r"on_transport_error must be true or false"),
    ([CLAUDE | {"first_byte_timeout_seconds": 0}], r"first_byte_timeout_seconds must be a number of seconds up to 600"),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_what_is_wrong_is_named(change: object, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        checked("fallbacks", change)


def test_a_workspace_keeps_its_chains_and_workers_get_them(store: Store, actor: Actor) -> None:
    assert store.get_workspace("default").fallbacks == []
    changed = store.update_workspace(actor, "default", {"fallbacks": [CLAUDE]})
    assert changed.fallbacks == checked("fallbacks", [CLAUDE])
    assert load_snapshot(store.engine, store.vault).workspaces["default"].fallbacks == chains(changed.fallbacks)
    with pytest.raises(Invalid, match=r"fallbacks\[0\]"):
        store.update_workspace(actor, "default", {"fallbacks": ["x"]})
    assert store.get_workspace("default").fallbacks == changed.fallbacks
