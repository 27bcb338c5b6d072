"""`serve`: run the gateway until it is told to end."""

from __future__ import annotations

import click

from sallyport.cli.commands import Command, current_settings
from sallyport.cli.preflight import check
from sallyport.cli.program import program, reachable
from sallyport.settings import Settings
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
