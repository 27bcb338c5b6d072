"""Webhooks are made, tested and deleted; alerts are listed with how their deliveries stand."""

from __future__ import annotations

import json

from sallyport.alerts.raised import Crossing, raise_alerts
from sallyport.paths import DataDir
from sallyport.store.database import open_database
from tests.sallyport.alerts.receiver import receiving
from tests.sallyport.cli.support import Run


def test_a_webhook_is_made_tested_and_deleted(run: Run):
    with receiving() as receiver:
        allowed = {"SALLYPORT_ALLOW_DESTINATION": "127.0.0.0/8"}
        made = run("webhooks", "create", "finance", stdin=receiver.url, **allowed)
        assert made.exit_code == 0
        assert made.stdout.startswith("whsec_")
        listed = run("webhooks", "list").stdout
        assert "127.0.0.1" in listed
        assert "secret-part" not in listed + made.stdout + made.stderr
        assert run("webhooks", "test", "finance", **allowed).stdout == "delivered\n"
        assert [content["type"] for content in receiver.content] == ["test"]
        receiver.statuses = [404]
        failed = run("webhooks", "test", "finance", **allowed)
        assert (failed.exit_code, failed.stderr) == (1, "Error: 127.0.0.1 answered 404\n")
    assert run("webhooks", "delete", "finance").exit_code == 0
    assert json.loads(run("webhooks", "list", "--json").stdout) == []
    assert run("webhooks", "test", "finance").exit_code == 2


def test_a_webhook_into_our_own_network_is_refused(run: Run):
    refused = run("webhooks", "create", "finance", stdin="http://127.0.0.1:1/x")
    assert refused.exit_code == 2
    assert "is not allowed" in refused.stderr


def test_alerts_are_listed(run: Run, data: DataDir):
    assert "no threshold" in run("alerts").stderr
    run("webhooks", "create", "finance", stdin="https://1.1.1.1/x")
    engine = open_database(data.database)
    raise_alerts(engine, Crossing("default", "p", "Team", "user_id=ada", "daily", 1_795_392_000.0, 10**10, (80,), 8 * 10**9))
    engine.dispose()
    table = run("alerts").stdout
    assert "user_id=ada" in table
    assert "finance: waiting" in table
    [alert] = json.loads(run("alerts", "--json").stdout)
    assert (alert["spend_usd"], alert["deliveries"][0]["state"]) == ("8", "waiting")
