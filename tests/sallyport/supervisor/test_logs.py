import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.settings import Settings
from sallyport.supervisor.logs import OUR_LOGGERS, mask, setup_logging

KEY = "sp_" + "a1B2" * 10


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (KEY, KEY[3:]),
        ("spa_" + "x" * 43, "xxxx"),
        ("sk-ant-api03-" + "k" * 30, "kkkk"),
        ("sk-proj-" + "k" * 30, "kkkk"),
        ("authorization: Bearer abcdefghijkl", "abcdefghijkl"),
        ("Proxy-Authorization: Basic c2FsbHlwb3J0OnNwXw==", "c2FsbHlwb3J0OnNwXw"),
        ("AIza" + "S" * 35, "SSSS"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln", "eyJpc3MiOiJ4In0"),
        ("lsv2_pt_" + "0" * 32, "0000"),
        ("postgresql://gateway:hunter22@db/gateway", "hunter22"),
        ("https://example.test/v1?alt=sse&key=AbCdEfGh", "AbCdEfGh"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcCAQEE"),
    ],
)
def test_a_credential_is_masked(text: str, secret: str):
    shown = mask(f"before {text} after")
    assert secret not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@given(st.text(alphabet="abcdefghijkl mnop:/.,", max_size=80))
def test_prose_is_left_alone(text: str):
    assert mask(text) == text or "://" in text or "basic" in text


def test_json_lines_hold_the_process_the_extras_and_no_secret(capsys: pytest.CaptureFixture[str]):
    setup_logging(Settings(log_format="json"), "worker-2")
    try:
        raise ValueError(f"bad {KEY}")
    except ValueError:
        logging.getLogger("sallyport.test").exception("failed for %s", KEY, extra={"call": "c1", "token": KEY})
    line = capsys.readouterr().err
    assert KEY not in line
    entry = json.loads(line)
    assert entry["process"] == "worker-2"
    assert entry["level"] == "error"
    assert entry["call"] == "c1"
    assert "ValueError" in entry["exception"]


def test_human_lines_follow_the_level_and_libraries_stay_quiet(capsys: pytest.CaptureFixture[str]):
    setup_logging(Settings(log_level="info"), "console")
    logging.getLogger("sallyport.test").info("up", extra={"port": 8081})
    logging.getLogger("sallyport.test").debug("detail")
    logging.getLogger("some.library").info("chatter")
    shown = capsys.readouterr().err
    assert shown.endswith("info    console sallyport.test: up  port=8081\n")
    assert shown.count("\n") == 1


@pytest.mark.parametrize("name", ["hpack.hpack", "hpack.table", "mitmproxy.addons.next_layer"])
def test_what_libraries_quote_of_the_wire_is_not_logged_even_at_debug(name: str, capsys: pytest.CaptureFixture[str]):
    setup_logging(Settings(log_level="debug"), "worker-0")
    logging.getLogger(name).debug("Decoded (b'x-api-key', b'of-no-known-shape')")
    assert capsys.readouterr().err == ""
