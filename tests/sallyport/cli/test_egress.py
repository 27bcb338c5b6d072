import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sallyport.egress import nft
from tests.sallyport.cli.support import Run

ROOT = Path(__file__).parents[3]
ON = ("--mode", "transparent@8082")


def test_the_example_is_what_the_command_prints(run: Run):
    """`deploy/egress.nft` says in its first lines how it was made."""
    example = (ROOT / "deploy" / "egress.nft").read_text()
    head, _, rules = example.partition("table inet sallyport\n")
    (command,) = (line for line in head.splitlines() if "egress print" in line)
    printed = run(*ON, *command.partition("sallyport ")[2].split())
    assert printed.stdout == "table inet sallyport\n" + rules


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="needs root and nft (Debian: apt install nftables)")
@pytest.mark.parametrize("family", [("--network", "10.1.0.0/16", "--network", "fd00:1::/64"), ("--interface", "eth1")])
def test_the_kernel_takes_the_rules(run: Run, family: tuple[str, ...]):
    who = (*family, "--user", "nobody", "--group", "0", "--except", "10.0.0.0/8", "--except", "fc00::/7", "--port", "80")
    printed = run("egress", "print", *ON, *who, "--gateway-user", "1")
    assert printed.exit_code == 0, printed.output
    checked = subprocess.run(["nft", "--check", "-f", "-"], input=printed.stdout, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert run("egress", "apply", "--check", *ON, *who, "--gateway-user", "1").exit_code == 0


def test_the_gateways_own_user_is_who_owns_its_data(run: Run):
    rules = json.loads(run("egress", "print", *ON, "--user", "65534", "--json").stdout)["ruleset"]
    assert f"meta skuid {os.getuid()} return" in rules


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((*ON,), "say whose connections"),
        (("--network", "10.0.0.0/8"), "not in transparent mode"),
        (("--network", "10.0.0.0/8", "--mode", "transparent"), "not in transparent mode"),
        (("--network", "10.0.0.0/8", "--mode", "transparent@127.0.0.1:8082"), "this machine alone"),
        (("--network", "ten", *ON), "no network"),
        (("--except", "ten", "--network", "10.0.0.0/8", *ON), "--except"),
        (("--interface", 'eth0" accept', *ON), "--interface"),
        (("--user", "no-such-user", *ON), "no user"),
        (("--group", "no-such-group", *ON), "no group"),
        (("--user", str(os.getuid()), *ON), "a user of its own"),
        (("--user", "nobody", "--gateway-user", "no-such-user", *ON), "--gateway-user"),
    ],
)
def test_what_is_wrong_is_named(run: Run, arguments: tuple[str, ...], word: str):
    failed = run("egress", "print", *arguments)
    assert failed.exit_code == 2
    assert word in failed.stderr


def test_what_applying_needs_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    apply = ("egress", "apply", "--network", "10.0.0.0/8", *ON)
    monkeypatch.setattr(nft, "PLACES", str(tmp_path))
    assert "apt install nftables" in run(*apply).stderr
    (tmp_path / "nft").touch(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    failed = run(*apply)
    assert failed.exit_code == 1
    assert "sudo" in failed.stderr
