"""The stores by URL: PostgreSQL and a Redis of one's own instead of the embedded ones."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sallyport.standin import StandIn
from tests.e2e.support import ROOT, Gateway, wait_for
from tests.e2e.wire import chat
from tests.redis_cluster import redis_cluster

__all__ = ["redis_cluster"]


def test_a_call_is_governed_and_recorded_with_postgresql_and_a_redis_of_ones_own(
    providers: StandIn, postgresql: str, redis_url: str, tmp_path: Path
):
    with Gateway(tmp_path, providers, "--database-url", postgresql, "--redis-url", redis_url) as gateway:
        cap = {"policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": "0.000001"}}
        team = gateway.team("Grace", cap)
        with gateway.client(team) as client:
            answer = client.post("/openai/v1/chat/completions", json=chat("hi"))
            assert answer.status_code == 200
            record = gateway.call(answer.headers["x-gateway-request-id"])
            assert (record["user_id"], record["outcome"]) == (team.user_id, "success")
            assert float(record["cost_usd"]) > 0
            assert client.post("/openai/v1/chat/completions", json=chat("hi")).status_code == 402
        rows = gateway.admin("GET", "/v1/spend", params={"group_by": "workspace", "window": "daily"})["items"]
        assert [row["spend_usd"] for row in rows if row["group"] == team.workspace_id] == [record["cost_usd"]]
        wait_for(lambda: gateway.calls(workspace_id=team.workspace_id, outcome="blocked"), "the record of the refusal")
        assert not (gateway.data_dir / "gateway.db").exists()
        assert not (gateway.data_dir / "redis").exists()


def test_two_gateways_that_do_not_share_their_counters_do_not_share_a_database(
    providers: StandIn, postgresql: str, redis_url: str, tmp_path: Path
):
    """Each would let a cap be spent in full."""
    with Gateway(tmp_path / "one", providers, "--database-url", postgresql) as one:
        master_key = one.data_dir / "master.key"
        other = Gateway(tmp_path / "other", providers, "--database-url", postgresql, "--redis-url", redis_url)
        other.data_dir.mkdir(mode=0o700)
        shutil.copy(master_key, other.data_dir / "master.key")
        with pytest.raises(AssertionError, match="give all of them the same --redis-url"):
            other.__enter__()


def test_a_call_is_governed_and_recorded_with_a_cluster_and_a_change_is_heard_of(
    providers: StandIn, redis_cluster: str, tmp_path: Path
):
    with Gateway(tmp_path, providers, "--redis-url", redis_cluster) as gateway:
        cap = {"policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": "0.000001", "strict": False}}
        team = gateway.team("Grace", cap)
        with gateway.client(team) as client:
            answer = client.post("/openai/v1/chat/completions", json=chat("hi"))
            assert answer.status_code == 200
            record = gateway.call(answer.headers["x-gateway-request-id"])
            assert client.post("/openai/v1/chat/completions", json=chat("hi")).status_code == 402
        rows = gateway.admin("GET", "/v1/spend", params={"group_by": "workspace", "window": "daily"})["items"]
        assert [row["spend_usd"] for row in rows if row["group"] == team.workspace_id] == [record["cost_usd"]]
        wait_for(lambda: gateway.calls(workspace_id=team.workspace_id, outcome="blocked"), "the record of the refusal")
        command = [sys.executable, str(ROOT / "run_gateway.py"), "spend", "reconcile", "--data-dir", str(gateway.data_dir)]
        assert subprocess.run([*command, "--redis-url", redis_cluster], capture_output=True, check=False).returncode == 0


def test_a_second_start_knows_everything_of_the_first(providers: StandIn, tmp_path: Path):
    with Gateway(tmp_path, providers) as gateway:
        team = gateway.team("Grace")
        authority = gateway.ca.read_bytes()
        with gateway.client(team) as client:
            call_id = client.post("/openai/v1/chat/completions", json=chat("hi")).headers["x-gateway-request-id"]
        spent = gateway.call(call_id)["cost_usd"]
    with Gateway(tmp_path, providers) as gateway:
        assert gateway.ca.read_bytes() == authority
        assert gateway.call(call_id)["cost_usd"] == spent
        with gateway.client(team) as client:
            assert client.post("/openai/v1/chat/completions", json=chat("hi")).status_code == 200
        assert gateway.log.count("shown this once") <= 1
