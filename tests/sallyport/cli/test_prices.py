"""`prices`: what a model costs, and why; and a start with a price file that is wrong."""

import json
from pathlib import Path

from tests.sallyport.cli.support import Run

FILE = '[[prices]]\nprovider = "openai"\nmodel = "gpt-4o"\neffective_from = 2026-01-01\ninput = "1.5"\noutput = "6"\n'


def test_a_price_and_its_source(run: Run):
    shown = json.loads(run("prices", "openai/o3", "--input", "10", "--output", "300", "--json").stdout)
    assert shown["cost_usd"] == "0.00242"
    assert shown["source"].startswith("genai-prices ")
    assert shown["usd_per_million_tokens"]["input"] == "2"
    assert not shown["unpriced"]


def test_tiers_days_and_searches(run: Run):
    def asked(*arguments: str) -> dict[str, object]:
        return json.loads(run("prices", *arguments, "--json").stdout)

    long = asked("anthropic/claude-sonnet-4-5", "--input", "200001", "--output", "0", "--cache-read", "200000")
    assert (long["cost_usd"], long["input_tier"]) == ("0.120006", "more than 200000 input tokens")
    assert asked("openai/o3", "--input", "1000", "--output", "0", "--on", "2025-06-09")["cost_usd"] == "0.01"
    flex = asked("openai/gpt-5.5", "--input", "1000", "--output", "100", "--service-tier", "flex", "--on", "2026-11-23")
    assert (flex["cost_usd"], flex["service_tier"]) == ("0.004", "flex")
    searched = asked("anthropic/claude-sonnet-4-5", "--input", "0", "--output", "0", "--web-searches", "3")
    assert searched["cost_usd"] == "0.03"


def test_the_price_file_wins(run: Run, tmp_path: Path):
    file = tmp_path / "prices.toml"
    file.write_text(FILE)
    for arguments, environment in ((["--prices", str(file)], {}), ([], {"SALLYPORT_PRICES": str(file)})):
        shown = json.loads(run("prices", "openai/gpt-4o", *arguments, "--json", **environment).stdout)
        assert shown["cost_usd"] == "0.0075"
        assert shown["source"] == f"{file}: entry 1 (gpt-4o from 2026-01-01)"
    assert "genai-prices" in run("prices", "openai/gpt-4o").stdout


def test_an_unknown_model_and_a_wrong_name(run: Run):
    assert "charged as the dearest" in run("prices", "openai/of-tomorrow").stdout
    wrong = run("prices", "gpt-4o")
    assert wrong.exit_code == 2
    assert "is not PROVIDER/MODEL" in wrong.stderr


def test_nothing_starts_with_a_price_file_that_is_wrong(run: Run, tmp_path: Path):
    file = tmp_path / "prices.toml"
    file.write_text(FILE.replace('"6"', "6"))
    refused = run("serve", "--prices", str(file))
    assert refused.exit_code == 2
    assert f"--prices: {file}: entry 1: output: must be dollars" in refused.stderr
