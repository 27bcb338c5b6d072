"""No credential shows anywhere: not in a log, an answer, an error, nor in what lies on the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES, service_account
from tests.e2e.support import ADMIN_KEY, ROOT, Gateway, Team
from tests.e2e.wire import chat, none_hold

LISTS = (
    "/v1/workspaces",
    "/v1/users",
    "/v1/keys",
    "/v1/calls",
    "/v1/violations",
    "/v1/audit-logs",
    "/v1/platform/gateway-policies",
    "/openapi.json",
    "/metrics",
    "/healthz",
)


def test_no_credential_shows_anywhere(gateway: Gateway, standin: StandIn):
    cap = {"window": "monthly", "limit_usd": 0}
    team = gateway.team("watched")
    blocked = gateway.team("watched too", {"policy_type": "spend_cap", "config": cap})
    answers: list[bytes] = []
    with gateway.client() as client:
        for key in (team.key, blocked.key, team.key + "x"):
            for path in ("/openai/v1/chat/completions", "/anthropic/v1/messages", "/nothing", "/openai/v1/unheard-of"):
                for body in (chat(f"my key is {key}"), chat(f"[[status:500]] {key}"), {}):
                    headers = {"x-gateway-key": key, "x-note": key}
                    answer = client.post(f"{path}?key={key}", json=body, headers=headers)
                    answers += [answer.content, repr(answer.headers).encode()]
                    if "x-gateway-request-id" in answer.headers and answer.status_code == 200:
                        gateway.call(answer.headers["x-gateway-request-id"])
    for path in LISTS:
        with gateway.client() as client:
            listed = client.get(gateway.console + path, headers={"x-api-key": ADMIN_KEY}, params={"limit": "1000"})
            answers.append(listed.content)
    for call in gateway.calls(workspace_id=team.workspace_id):
        answers.append(json.dumps(gateway.admin("GET", f"/v1/calls/{call['id']}")).encode())
    answers.append(json.dumps(gateway.admin("GET", f"/v1/workspaces/{team.workspace_id}/secrets")).encode())
    shown = subprocess.run(
        [sys.executable, str(ROOT / "run_gateway.py"), "--data-dir", str(gateway.data_dir), "keys", "list"],
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    answers.append(shown.stdout + shown.stderr)

    private_key = json.loads(service_account())["private_key"].splitlines()[1]
    secrets = [*CANARIES.values(), private_key, team.key, blocked.key, ADMIN_KEY, "ya29.stand-in-access-token"]
    files = [path.read_bytes() for path in gateway.data_dir.rglob("*") if path.is_file()]
    assert len(files) > 5
    none_hold(secrets, [*answers, gateway.log.encode(), *files])


def test_nothing_secret_in_arguments(gateway: Gateway, team: Team):
    """Which other users of the machine may read."""
    assert gateway.process is not None
    for pid in _tree(gateway.process.pid):
        none_hold([*CANARIES.values(), team.key, ADMIN_KEY], [Path(f"/proc/{pid}/cmdline").read_bytes()])


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _tree(int(child)))]
