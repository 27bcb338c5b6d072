from __future__ import annotations

import pytest

from sallyport.console import sessions
from sallyport.console.sessions import SESSION_SECONDS, Sessions


def test_a_cookie_of_ours_is_read() -> None:
    mine = Sessions(b"root")
    session = mine.read(mine.issue("admin-1"))
    assert session is not None
    assert session.admin_id == "admin-1"


@pytest.mark.parametrize("cookie", ["", ".", "x", "x.y", "é.é", "e30.00", "." + "0" * 64])
def test_any_other_is_not(cookie: str) -> None:
    assert Sessions(b"root").read(cookie) is None


def test_a_changed_cookie_or_one_of_another_master_key_is_not() -> None:
    cookie = Sessions(b"root").issue("admin-1")
    assert Sessions(b"other root").read(cookie) is None
    for place in range(len(cookie)):
        changed = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        assert Sessions(b"root").read(changed) is None


def test_a_cookie_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Sessions(b"root")
    cookie = mine.issue("admin-1")
    later = sessions.time.time() + SESSION_SECONDS
    monkeypatch.setattr(sessions.time, "time", lambda: later)
    assert mine.read(cookie) is None
