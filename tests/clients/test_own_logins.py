"""Real clients with a vendor log-in of their own: it reaches the vendor as it is, is recorded, and is held against no cap."""

import pytest

from tests.clients.bench import LOGIN_COLUMNS, Bench, Row
from tests.clients.logins import LOGINS, Login

NEEDED = [login for login in LOGINS if login.needed]


@pytest.mark.usefixtures("standin")
@pytest.mark.parametrize(("login", "way_in"), [(login, way_in) for login in LOGINS for way_in in login.client.ways], ids=str)
def test_a_log_in(clients: Bench, login: Login, way_in: str):
    assert clients.measure_login(login, way_in) == Row(dict.fromkeys(LOGIN_COLUMNS, ""))


@pytest.mark.usefixtures("standin")
@pytest.mark.parametrize("login", NEEDED, ids=str)
def test_a_workspace_that_passes_none_on_says_so(clients: Bench, login: Login):
    outcome = clients.run(login.client, "proxy", clients.team.key, "hi", "--own-login")
    assert outcome.status != 0
    assert "--credentials passthrough" in outcome.shown
    assert not [request for request in clients.received() if "enerateContent" in request.target or "responses" in request.target]
