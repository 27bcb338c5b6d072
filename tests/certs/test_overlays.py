import json
from pathlib import Path

import pytest

from certs.overlays import Overlay, Run, overlay


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def made(home: Path, command: str, *, asks: bool = False, **present: str) -> Overlay:
    return overlay(command, Run({"HOME": str(home), **present}, home / "ours", asks))


def test_any_program_finds_something_where_its_provider_key_would_be(home: Path):
    found = made(home, "python", OPENAI_API_KEY="mine")
    assert found.variables["ANTHROPIC_API_KEY"] == "kept-in-the-gateway"
    assert "OPENAI_API_KEY" not in found.variables
    assert found.arguments == ()


def test_codex_is_asked_for_no_log_in(home: Path):
    name, provider = made(home, "/usr/bin/codex").arguments[1::2]
    assert name == 'model_provider="sallyport"'
    assert 'env_key="CODEX_API_KEY"' in provider


@pytest.mark.parametrize("config", ['model_provider = "mine"', "no toml"])
def test_codex_keeps_the_provider_that_its_user_chose(home: Path, config: str):
    (home / "config.toml").write_text(config)
    assert made(home, "codex", CODEX_HOME=str(home)).arguments == ()


def settings(found: Overlay) -> dict[str, object]:
    return json.loads(Path(found.variables["GEMINI_CLI_SYSTEM_SETTINGS_PATH"]).read_text())


def test_gemini_cli_takes_the_key_and_keeps_what_the_system_sets(home: Path):
    system = home / "system.json"
    system.write_text('{"tools": {"sandbox": true}}')
    found = made(home, "gemini", GEMINI_CLI_SYSTEM_SETTINGS_PATH=str(system))
    assert settings(found) == {"tools": {"sandbox": True}, "security": {"auth": {"selectedType": "gemini-api-key"}}}
    assert system.read_text() == '{"tools": {"sandbox": true}}'
    assert "GOOGLE_API_KEY" not in found.variables


def test_gemini_cli_is_left_alone_where_the_system_chose_or_its_file_is_not_understood(home: Path):
    system = home / "system.json"
    system.write_text('{"security": {"auth": {"selectedType": "vertex-ai"}}}')
    found = made(home, "gemini", GEMINI_CLI_SYSTEM_SETTINGS_PATH=str(system))
    assert settings(found) == {"security": {"auth": {"selectedType": "vertex-ai"}}}
    system.write_text("{} // a comment")
    assert "GEMINI_CLI_SYSTEM_SETTINGS_PATH" not in made(home, "gemini", GEMINI_CLI_SYSTEM_SETTINGS_PATH=str(system)).variables
    assert "GEMINI_CLI_SYSTEM_SETTINGS_PATH" not in made(home, "gemini", GOOGLE_GENAI_USE_VERTEXAI="true").variables


@pytest.mark.parametrize("asks", [True, False])
def test_gemini_cli_trusts_the_folder_only_where_nobody_can_be_asked(home: Path, asks: bool):
    assert ("GEMINI_CLI_TRUST_WORKSPACE" in made(home, "gemini", asks=asks).variables) is not asks
