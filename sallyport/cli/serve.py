"""`serve`: run the gateway until it is told to end."""

from __future__ import annotations

from pathlib import Path

import click

from sallyport.cli.commands import Command, current_settings
from sallyport.cli.program import program, reachable
from sallyport.settings import SettingError, Settings
from sallyport.supervisor.first_start import Prepared, prepare
from sallyport.supervisor.logs import setup_logging
from sallyport.supervisor.supervisor import serve

_FIRST_CALL = """
Your first call, in another terminal:
  {program} secrets set OPENAI_API_KEY        # asks for it; or ANTHROPIC_API_KEY, GOOGLE_API_KEY, …
  KEY=$({program} keys create laptop)
  curl {url}/openai/v1/chat/completions -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
    -d '{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "Hello"}}]}}'
  eval "$({program} env --key "$KEY")"         # this shell's programs go through the gateway, or one alone:
  {program} exec -- claude
"""


@click.command("serve", cls=Command, show_all=True)
def serve_command() -> None:
    """Run the gateway (the default). SIGTERM or Ctrl-C lets calls in flight finish; a second one does not."""
    settings = current_settings()
    check(settings)
    setup_logging(settings, "gateway")
    code = serve(settings, prepare, _welcome)
    click.get_current_context().exit(code)


def check(settings: Settings) -> None:
    """What can be known to be wrong before anything starts. Raises SettingError."""
    for name, path in (
        ("--upstream-ca", settings.upstream_ca),
        ("--tls-cert", settings.tls_cert),
        ("--tls-key", settings.tls_key),
    ):
        if path is not None:
            _check_readable(name, path)
    if settings.prices is not None:
        _check_prices(settings.prices)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingError("--tls-cert and --tls-key go together: give both or none")
    if settings.listen.port and settings.listen == settings.console:
        raise SettingError(f"--listen and --console are both {settings.listen}; choose two ports")
    if settings.modes:
        _check_modes(settings.modes)


def _check_readable(name: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SettingError(f"{name}: {path} can't be read: {error.strerror}") from None


def _check_prices(path: Path) -> None:
    from sallyport.spend.price_file import PriceFileError, load_price_file

    try:
        load_price_file(path)
    except PriceFileError as error:
        raise SettingError(f"--prices: {error}") from None


def _check_modes(modes: tuple[str, ...]) -> None:
    from mitmproxy.proxy.mode_specs import ProxyMode  # slow to import and seldom needed

    for mode in modes:
        try:
            ProxyMode.parse(mode)
        except ValueError as error:
            raise SettingError(f"--mode: {mode!r} is not a mode of mitmproxy: {error}") from None


def _welcome(settings: Settings, prepared: Prepared) -> None:
    url = f"http://{reachable(settings.listen)}"
    lines = [
        "Sallyport serves.",
        f"  proxy and base paths  {url}",
        f"  console               http://{reachable(settings.console)}",
    ]
    if prepared.admin_key is not None:
        lines.append(f"  admin key             {prepared.admin_key.reveal()}  (shown this once: keep it)")
    if prepared.fresh:
        lines.append(_FIRST_CALL.format(program=program(settings), url=url).rstrip())
    click.echo("\n".join(lines))
