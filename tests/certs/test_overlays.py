from pathlib import Path

import pytest

from certs.overlays import Overlay, Run, overlay


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def made(home: Path, command: str, *, asks: bool = False, **present: str) -> Overlay:
    return overlay(command, Run({"HOME": str(home), **present}, asks))


def test_any_program_finds_something_where_its_provider_key_would_be(home: Path):
    found = made(home, "python", OPENAI_API_KEY="mine")
    assert found.variables["ANTHROPIC_API_KEY"] == "kept-in-the-gateway"
    assert "OPENAI_API_KEY" not in found.variables
    assert found.arguments == ()


def test_codex_is_asked_for_no_log_in(home: Path):
    name, provider = made(home, "/usr/bin/codex").arguments[1::2]
    assert name == 'model_provider="sallyport"'
    assert 'env_key="CODEX_API_KEY"' in provider


def test_codex_keeps_the_provider_that_its_user_chose(home: Path):
    (home / "config.toml").write_text('model_provider = "mine"')
    assert made(home, "codex", CODEX_HOME=str(home)).arguments == ()


def test_gemini_cli_gets_one_key_only_for_of_two_it_would_complain(home: Path):
    found = made(home, "gemini").variables
    assert {"GEMINI_API_KEY", "GOOGLE_API_KEY"} & set(found) == {"GEMINI_API_KEY"}


@pytest.mark.parametrize("asks", [True, False])
def test_gemini_cli_trusts_the_folder_only_where_nobody_can_be_asked(home: Path, asks: bool):
    assert ("GEMINI_CLI_TRUST_WORKSPACE" in made(home, "gemini", asks=asks).variables) is not asks
