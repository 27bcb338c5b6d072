import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from sallyport.cli import admin
from sallyport.cli.main import MODULES, cli
from sallyport.version import VERSION
from tests.sallyport.cli.support import Run


def test_help_shows_every_command_and_setting():
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in (*MODULES, "--upstream", "--drain-seconds"))


@pytest.mark.parametrize("command", MODULES)
def test_every_command_has_help_of_its_own(command: str):
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert "--data-dir" in result.stdout


def test_the_version_is_that_of_the_project():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert VERSION in CliRunner().invoke(cli, ["--version"]).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listn", "x"], "Did you mean '--listen'?"),
        (["keys", "list", "--jsn"], "No such option '--jsn'"),
        (["serv"], "No such command 'serv'"),
        (["keys", "frobnicate"], "No such command 'frobnicate'"),
        (["--listen", "nowhere"], "--listen: 'nowhere' is not HOST:PORT"),
        (["keys", "list", "--workers", "many"], "--workers: 'many'"),
        (["--config", "/no/such.toml"], "--config: /no/such.toml can't be read"),
        (["serve", "--upstream-ca", "/no/such.pem"], "--upstream-ca: /no/such.pem can't be read"),
        (["serve", "--mode", "teleport"], "--mode: 'teleport' is not a mode"),
        (["--listen", "127.0.0.1:1", "--console", "127.0.0.1:1"], "choose two ports"),
        (["--tls-cert", "pyproject.toml"], "--tls-cert and --tls-key go together"),
    ],
)
def test_bad_input_is_one_clear_message_and_exit_code_2(arguments: list[str], message: str):
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_settings_stand_before_and_after_the_command(run: Run, data: object):
    assert run("keys", "list", "--json").stdout == "[]\n"
    assert run("--data-dir", "/nowhere", "keys", "list", "--json").exit_code == 1
    assert run("keys", "--data-dir", "/nowhere", "list", "--json").exit_code == 1
    assert run("keys", "list", "--data-dir", "/nowhere", "--json").exit_code == 1


def test_a_data_dir_without_a_gateway_is_told_how_to_make_one(run: Run):
    result = run("keys", "list", "--data-dir", "/nowhere")
    assert "there is no gateway in /nowhere yet" in result.stderr
    assert "--data-dir /nowhere serve" in result.stderr


def test_a_defect_shows_no_traceback_and_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom with Bearer abcdefghijklmnop")

    monkeypatch.setattr(admin, "open_store", broken)
    result = run("keys", "list")
    assert result.exit_code == 1
    assert "unexpected RuntimeError" in result.stderr
    assert "Traceback" not in result.stderr
    assert "abcdefghijklmnop" not in result.output
