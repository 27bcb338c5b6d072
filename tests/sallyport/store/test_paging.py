import pytest

from sallyport.store.errors import Invalid
from sallyport.store.models import Actor
from sallyport.store.operations import Store


def test_pages_join_to_the_whole_list_whatever_is_added_meanwhile(store: Store, actor: Actor) -> None:
    names = [f"user-{number}" for number in range(7)]
    for name in names:
        store.create_user(actor, {"name": name})
    seen: list[str] = []
    cursor = None
    while True:
        page = store.list_users(3, cursor)
        seen += [user.name for user in page.items]
        store.create_user(actor, {"name": "late"})
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == names[::-1]


def test_a_full_last_page_says_that_it_is_the_last(store: Store, actor: Actor) -> None:
    for name in ("a", "b"):
        store.create_user(actor, {"name": name})
    assert store.list_users(2).next_cursor is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("cursor", ["", "x", "bm9uc2Vuc2U", "WzFd", "WzEsMl0", "W10", "é", "WyJhIiwiYiJd"])
def test_a_made_up_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(Invalid, match=r"^cursor "):
        store.list_users(10, cursor)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_range_is_refused(store: Store, limit: int) -> None:
    with pytest.raises(Invalid, match=r"^limit "):
        store.list_users(limit)
