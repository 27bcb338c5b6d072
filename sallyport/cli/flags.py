"""The settings as command-line flags, environment variables and keys of the config file: one table for all three."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import click

GIVEN = "sallyport.given"
"""Where in `click.Context.meta` the flags that were given are kept, by field."""

CONFIG_VARIABLE = "SALLYPORT_CONFIG"


@dataclass(frozen=True, slots=True)
class Flag:
    """`field` is the field of `Settings`; `kind` how text becomes its value."""

    field: str
    name: str
    metavar: str
    help: str
    kind: Literal["value", "address", "file", "list", "pairs", "switch"] = "value"
    separator: str = r"[\s,]+"

    @property
    def variable(self) -> str:
        return "SALLYPORT_" + self.key.upper()

    @property
    def key(self) -> str:
        """In the config file, where `-` may stand for `_`."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def repeatable(self) -> bool:
        return self.kind in ("list", "pairs")

    def items(self, text: str) -> list[str]:
        return [item for item in re.split(self.separator, text) if item]


FLAGS = (
    Flag("data_dir", "--data-dir", "DIR", "Where the gateway keeps all it has.  [~/.sallyport]"),
    Flag("listen", "--listen", "HOST:PORT", "Proxy and base paths, on one port.  [127.0.0.1:8080]", "address"),
    Flag("console", "--console", "HOST:PORT", "Admin API and console.  [127.0.0.1:8081]", "address"),
    # A mode may hold commas (`local:curl,wget`), so only white space stands between two.
    Flag("modes", "--mode", "SPEC", "A further way in, as mitmproxy writes it (transparent@8082).  Repeatable.", "list", r"\s+"),
    Flag("workers", "--workers", "N", "Processes that carry traffic.  [one per core]"),
    Flag("ner_workers", "--ner-workers", "N", "Processes that find names in text; 0: none.  [1]"),
    Flag("redis_url", "--redis-url", "URL", "Redis or Valkey; a cluster: redis+cluster://NODE:6379.  [a private one]"),
    Flag("database_url", "--database-url", "URL", "PostgreSQL.  [SQLite in the data dir]"),
    Flag("upstreams", "--upstream", "PROVIDER=URL", "Send a provider's calls to another base URL.  Repeatable.", "pairs"),
    Flag("upstream_ca", "--upstream-ca", "FILE", "Further roots to verify providers with.", "file"),
    Flag("upstream_proxy", "--upstream-proxy", "URL", "The company's own proxy to go through.  [none]"),
    Flag("no_proxy", "--no-proxy", "HOST|CIDR", "What is reached without it, with all below a domain.  Repeatable.", "list"),
    Flag("names", "--names", "NAME", "A host name or address under which callers reach this gateway.  Repeatable.", "list"),
    Flag("tls_cert", "--tls-cert", "FILE", "A certificate for the gateway's own names.", "file"),
    Flag("tls_key", "--tls-key", "FILE", "Its private key.", "file"),
    Flag("tunnel", "--tunnel", "allow|refuse", "Hosts that are no provider's.  [allow]"),
    Flag("undecrypted", "--undecrypted", "PROVIDER|HOST", "Take its hosts for a stranger's in proxy mode.  Repeatable.", "list"),
    Flag("unknown_paths", "--unknown-paths", "pass|refuse", "Paths of a provider that are no model API.  [pass]"),
    Flag("challenge_providers", "--challenge-providers", "", "Answer 407 to a provider's CONNECT without a key.", "switch"),
    Flag("allow_destinations", "--allow-destination", "CIDR", "A private network the tunnel may reach.  Repeatable.", "list"),
    Flag("bedrock_region", "--bedrock-region", "REGION", "The region of base-path Bedrock calls.  [us-east-1]"),
    Flag("workload_token_dirs", "--workload-token-dir", "DIR", "Where workload identities' tokens lie.  Repeatable.", "list"),
    Flag("prices", "--prices", "FILE", "A TOML file of your own prices.  [the built-in list]", "file"),
    Flag("log_format", "--log-format", "human|json", "[human]"),
    Flag("log_level", "--log-level", "LEVEL", "debug, info, warning or error.  [info]"),
    Flag("lease_seconds", "--lease-seconds", "S", "How long a reservation outlives its worker.  [30]"),
    Flag("drain_seconds", "--drain-seconds", "S", "How long SIGTERM lets calls in flight finish.  [30]"),
    Flag("connect_timeout", "--connect-timeout", "S", "To reach a provider.  [10]"),
    Flag("response_timeout", "--response-timeout", "S", "Longest silence of a provider.  [600]"),
    Flag("head_timeout", "--head-timeout", "S", "For a client's TLS handshake, or a request's head.  [30]"),
    Flag("body_timeout", "--body-timeout", "S", "For each 4 KiB of a request's body.  [60]"),
    Flag("idle_timeout", "--idle-timeout", "S", "Longest silence of a connection on which nothing is asked.  [600]"),
    Flag(
        "max_connections_per_address", "--max-connections-per-address", "N", "Of one client, for each worker; 0: no limit.  [0]"
    ),
    Flag("max_head_bytes", "--max-head-bytes", "N", "Largest request head.  [65536]"),
    Flag("max_head_fields", "--max-head-fields", "N", "Most header fields of a request.  [200]"),
    Flag("max_body_bytes", "--max-body-bytes", "N", "Largest request body on a guarded path.  [33554432]"),
)
FILE_ONLY = ("providers", "redaction_rules")
"""Fields of `Settings` that are tables of the config file, and no flag or variable."""
_SHOWN_EVERYWHERE = ("data_dir", "database_url", "redis_url")


def options(*, show_all: bool) -> list[click.Option]:
    """Fresh click options for one command: it takes every flag, and shows in its help those that matter to it."""
    made = [_option(flag, hidden=not (show_all or flag.field in _SHOWN_EVERYWHERE)) for flag in FLAGS]
    config = click.Option(
        ["--config"], metavar="FILE", help="A TOML file of these settings.", expose_value=False, callback=_remember
    )
    return [*made, config]


def _option(flag: Flag, *, hidden: bool) -> click.Option:
    declaration = f"{flag.name}/--no-{flag.name[2:]}" if flag.kind == "switch" else flag.name
    return click.Option(
        [declaration, flag.field],
        metavar=flag.metavar or None,
        help=flag.help,
        multiple=flag.repeatable,
        default=None,
        hidden=hidden,
        expose_value=False,
        callback=_remember,
    )


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None and value != ():
        context.meta.setdefault(GIVEN, {})[parameter.name] = value
