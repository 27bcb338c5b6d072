from tests.clients.clients import CLIENTS
from tests.clients.page import PAGE, lines


def test_the_page_has_the_lines_that_the_recipes_make_and_every_client():
    page = PAGE.read_text()
    assert lines() in page, "`make clients` writes it anew"
    assert [client.name for client in CLIENTS if f"| {client.name} |" not in page] == []
