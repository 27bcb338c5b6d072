"""`trust`: have this machine trust the gateway's CA, for programs that read no variable."""

from __future__ import annotations

import click

from certs.errors import CertificateError
from certs.trust import trust_stores
from sallyport.cli.commands import Command, Failure, current_settings
from sallyport.cli.program import program
from sallyport.paths import DataDir


@click.command("trust", cls=Command)
@click.option("--remove", is_flag=True, help="Trust it no longer.")
def trust_command(remove: bool) -> None:
    """Put the gateway's CA into this machine's trust stores, or take it out."""
    settings = current_settings()
    certificate = DataDir(settings.data_dir).ca_cert
    if not certificate.exists():
        raise Failure(f"there is no CA at {certificate} yet: start the gateway once with `{program(settings)} serve`")
    stores = trust_stores()
    if not stores:
        raise Failure(f"no trust store that we know is on this machine; have your programs trust {certificate} themselves")
    failed = False
    for store in stores:
        try:
            store.remove(certificate) if remove else store.install(certificate)
        except CertificateError as error:
            failed = True
            click.echo(f"Error: {error}", err=True)
        else:
            click.echo(f"{store.name}: {'no longer trusts' if remove else 'trusts'} {certificate}")
    click.get_current_context().exit(1 if failed else 0)
