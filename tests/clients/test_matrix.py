"""Every client by every way in: answered, by a stream and a tool call too, refused at once, its key swapped, nothing leaked."""

import pytest

from tests.clients.bench import COLUMNS, Bench, Row
from tests.clients.client import Client
from tests.clients.clients import CLIENTS


@pytest.mark.parametrize(("client", "way_in"), [(client, way_in) for client in CLIENTS for way_in in client.ways], ids=str)
def test_a_client(clients: Bench, client: Client, way_in: str):
    assert clients.measure(client, way_in) == Row(dict.fromkeys(COLUMNS, ""))
