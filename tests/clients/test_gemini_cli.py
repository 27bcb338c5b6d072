"""Gemini CLI with the files of a Google log-in, in a network of Google's own names: it renews the log-in, and asks with it."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

from certs.recipes import environment
from sallyport.standin import StandIn
from sallyport.standin.google_token import ACCESS_TOKEN, REFRESH_TOKEN
from tests.clients.programs import program
from tests.corporate_proxy import CorporateProxy
from tests.e2e.sdks import ANSWER
from tests.e2e.support import Gateway

NAMES = ("cloudcode-pa.googleapis.com", "oauth2.googleapis.com", "www.googleapis.com", "127.0.0.1")
LOGIN = {
    "access_token": "ya29.an-old-one",
    "refresh_token": REFRESH_TOKEN,
    "scope": "openid",
    "token_type": "Bearer",
    "expiry_date": 1,
}
CHOSEN = {"security": {"auth": {"selectedType": "oauth-personal"}}, "privacy": {"usageStatisticsEnabled": False}}


def test_a_log_in_is_renewed_through_the_tunnel(tmp_path: Path):
    gemini = program("gemini")
    home = tmp_path / "home"
    (home / ".gemini").mkdir(parents=True)
    (home / ".gemini" / "oauth_creds.json").write_text(json.dumps(LOGIN))
    (home / ".gemini" / "settings.json").write_text(json.dumps(CHOSEN))
    with ExitStack() as stack:
        google = stack.enter_context(StandIn(tmp_path, names=NAMES))
        hosts = {name: google.url.removeprefix("https://") for name in NAMES}
        proxy = stack.enter_context(CorporateProxy(hosts, "gateway:word"))
        options = ("--upstream-proxy", f"http://gateway:word@127.0.0.1:{proxy.port}", "--ner-workers", "0")
        gateway = stack.enter_context(Gateway(tmp_path, google, *options, own_hosts=True))
        team = gateway.team("Gina", credentials="passthrough")
        roots = tmp_path / "roots.pem"
        assert google.ca
        roots.write_bytes(gateway.ca.read_bytes() + google.ca.read_bytes())  # the tunnel's TLS is Google's own
        variables = environment(f"http://sallyport:{team.key}@{gateway.listen}", roots, roots)
        variables |= {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "GEMINI_CLI_TRUST_WORKSPACE": "true"}
        done = subprocess.run(
            [*gemini, "-p", "hi"], env=variables, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90
        )
        assert ANSWER in done.stdout, done.stderr[-2000:]
        assert "oauth2.googleapis.com:443" in proxy.seen
        asked = [request for request in google.requests() if "enerateContent" in request.target]
        assert {request.header("authorization") for request in asked} == {f"Bearer {ACCESS_TOKEN}"}
        calls = [call for call in gateway.calls(user_id=team.user_id) if call["operation"] == "generate"]
        assert all(call["passthrough"] and call["provider"] == "codeassist" for call in calls)
        assert len(calls) == len(asked)
