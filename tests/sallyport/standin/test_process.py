"""The stand-in as a command and as a context manager."""
# pyright: basic

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from sallyport.standin import StandIn

COMMAND = [sys.executable, "-m", "sallyport.standin"]


def test_it_says_where_it_serves_and_ends_with_its_parent(tmp_path: Path):
    command = [*COMMAND, "--directory", str(tmp_path / "new"), "--until-eof"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        context = ssl.create_default_context(cafile=ready["ca"])
        answer = httpx2.get(f"{ready['url']}/v1/messages/nothing", verify=context, trust_env=False)
        assert answer.status_code == 404
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_plain():
    with StandIn(plain=True) as standin:
        assert standin.url.startswith("http://127.0.0.1:")
        assert standin.ca is None
        httpx2.get(f"{standin.url}/v1/nothing?a=%20b", headers={"x-note": "1"}, trust_env=False)
        (received,) = standin.requests()
    assert (received.method, received.target, received.header("X-Note")) == ("GET", "/v1/nothing?a=%20b", "1")


def test_only_its_own_ca_is_trusted(standin: StandIn):
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx2.get(standin.url, trust_env=False)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["--directory", "x", "--listen", "here"], "is not HOST:PORT"), ([], "--directory"), (["--what"], "--what")],
)
def test_wrong_arguments_are_named(arguments: list[str], complaint: str):
    ended = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("path", "headers", "place"),
    [
        ("/v1/x", {}, lambda body: body["error"]["type"] == "invalid_request_error"),
        ("/inference/v1/x", {"authorization": "Bearer k"}, lambda body: "Invalid URL" in body["error"]["message"]),
        ("/v1/messages/x/y", {}, lambda body: body["type"] == "error"),
        ("/v1beta/x", {"x-goog-api-key": "k"}, lambda body: body["error"]["status"] == "NOT_FOUND"),
        ("/v1/projects/x", {"authorization": "Bearer k"}, lambda body: body["error"]["status"] == "NOT_FOUND"),
        ("/model/x/y", {"authorization": "Bearer k"}, lambda body: "Unable to determine" in body["message"]),
    ],
)
def test_an_unknown_path_is_the_familys_404(standin: StandIn, path: str, headers: dict[str, str], place):
    headers = headers or {"authorization": "Bearer k"}
    answer = httpx2.get(standin.url + path, headers=headers, verify=standin.tls, trust_env=False)
    assert answer.status_code == 404
    assert place(answer.json())
