import json

import pytest

from sallyport.cli.output import show_record, show_rows

ROWS = [
    {"id": "01a20aae-364d-79f4-9196-ee37a9a202d5", "model": "gpt-4o-mini", "duration_ms": 34.914},
    {"id": "01a20aae-0d62-7d1f-9391-cd2aaac7b3bb", "model": None, "duration_ms": 6.337},
]


def test_a_row_is_one_line_however_narrow_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    rows = [{**row, "config": {"text": "x" * 300}} for row in ROWS]
    show_rows(rows, ("id", "model", "duration_ms", "config"), as_json=False, nothing="none")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(rows)
    assert lines[1].split()[:3] == [ROWS[0]["id"], "gpt-4o-mini", "34.9"]
    assert lines[2].split()[:3] == [ROWS[1]["id"], "-", "6.3"]
    assert "x" * 300 in lines[1]
    assert lines[0].index("model") == lines[1].index("gpt-4o-mini")


def test_nothing_is_padded_at_the_end(capsys: pytest.CaptureFixture[str]):
    show_record({"id": "1", "a_longer_name": "a longer value", "on": True}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["id             1", "a_longer_name  a longer value", "on             yes"]


def test_what_a_caller_named_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]):
    show_rows([{"model": "\x1b]0;owned\x07\x1b[2Jgpt\n4"}], ("model",), as_json=False, nothing="none")
    shown = capsys.readouterr().out
    assert shown.splitlines()[1] == "�]0;owned��[2Jgpt�4"


def test_scripts_get_all_of_it(capsys: pytest.CaptureFixture[str]):
    show_rows(ROWS, ("id",), as_json=True, nothing="none")
    assert json.loads(capsys.readouterr().out) == ROWS
    show_rows([], ("id",), as_json=True, nothing="none")
    assert json.loads(capsys.readouterr().out) == []
