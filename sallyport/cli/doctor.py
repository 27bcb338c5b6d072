"""`doctor`: say what is wrong, and what to do."""

from __future__ import annotations

from dataclasses import asdict

import click

from sallyport.cli.checks import run_checks
from sallyport.cli.commands import Command, current_settings
from sallyport.cli.output import json_option, show_json, show_table


@click.command("doctor", cls=Command)
@json_option
def doctor_command(as_json: bool) -> None:
    """Check the installation, the running gateway and this shell. Exit code 1 when something fails."""
    found = run_checks(current_settings())
    if as_json:
        show_json([asdict(finding) for finding in found])
    else:
        show_table(("", "check", "found", "what to do"), [(f.status, f.check, f.detail, f.advice) for f in found])
    click.get_current_context().exit(1 if any(finding.status == "fail" for finding in found) else 0)
