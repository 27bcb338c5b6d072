"""The command line: `serve` and its settings by default, one module for each group of commands."""

from __future__ import annotations

import click

from sallyport.cli.commands import Root
from sallyport.version import VERSION

MODULES = {
    "serve": ("serve", "Run the gateway (the default)."),
    "demo": ("demo", "A tour without any provider key: a stand-in provider and sample calls."),
    "keys": ("keys", "The credentials that callers hold."),
    "enrollments": ("enrollments", "Callers who can send no key: by network, certificate or local user."),
    "admin-keys": ("admin_keys", "The credentials of the admin API and the console."),
    "users": ("users", "Whom keys and policies are for."),
    "workspaces": ("workspaces", "Who shares provider secrets and settings."),
    "secrets": ("secrets", "The vendors' credentials."),
    "policies": ("policies", "What is allowed: caps, rate limits, models, guards."),
    "spend": ("spend", "What was spent, by whom, on what."),
    "alerts": ("alerts", "Which thresholds of spend caps were reached."),
    "webhooks": ("alerts", "Who is told of them."),
    "prices": ("prices", "What a model costs, and why."),
    "calls": ("calls", "The record of each call."),
    "violations": ("violations", "Which policies fired, and what was decided about it."),
    "redact": ("redact", "What a guard would make of a text."),
    "replay": ("redact", "What a guard would have replaced in recorded calls."),
    "audit": ("audit", "Who changed what, and whether the log of it is whole."),
    "env": ("environment", "The lines that send a shell or a client through the gateway."),
    "exec": ("environment", "Run a command through the gateway: exec -- claude."),
    "egress": ("egress", "Lead clients that know nothing of the gateway to it: nftables rules."),
    "wireguard": ("wireguard", "What a WireGuard client of the gateway needs."),
    "trust": ("trust", "Have this machine trust the gateway's CA, or no longer."),
    "completion": ("completion", "Let a shell complete these commands."),
    "doctor": ("doctor", "Say what is wrong, and what to do."),
    "backup": ("backup", "Save CA, master key and database in one file."),
    "restore": ("backup", "Put such a file back."),
}


@click.group(
    cls=Root,
    modules=MODULES,
    show_all=True,
    name="sallyport",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(VERSION, prog_name="sallyport")
@click.pass_context
def cli(context: click.Context) -> None:
    """A gateway between agents and LLM providers: keys, spend limits, redaction, traces.

    Without a command it serves. Every flag works before and after the command, and is also an environment variable (--data-dir:
    SALLYPORT_DATA_DIR) and a key of the config file (data_dir); flag > environment > file.
    """
    if context.invoked_subcommand is None:
        from sallyport.cli.serve import serve_command

        context.invoke(serve_command)
