"""`enrollments`: callers who can send no key (transparent egress, desktop tools), known by where they come from instead."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sallyport.cli.admin import actor, every, find_key, opened_store
from sallyport.cli.commands import BadInput, Group, current_settings
from sallyport.cli.output import json_option, show_record, show_rows


@click.group("enrollments", cls=Group)
def enrollments_command() -> None:
    """Callers who can send no key, known by network, certificate or local user."""


@enrollments_command.command("create")
@click.argument("key")
@click.option("--network", metavar="CIDR", help="Who connects from this network; 0.0.0.0/0, ::/0: strangers, see docs/egress.md.")
@click.option("--certificate", metavar="FILE", type=click.Path(path_type=Path), help="Who shows this client certificate (PEM).")
@click.option("--os-user", metavar="NAME", help="This user of the gateway's own machine.")
@json_option
def create(key: str, network: str | None, certificate: Path | None, os_user: str | None, as_json: bool) -> None:
    """Let a caller act as KEY, given by id or name, without sending it. Revoking the key ends that too."""
    fingerprint = _fingerprint(certificate) if certificate else None
    given = [(kind, value) for kind, value in (("network", network), ("certificate", fingerprint), ("os_user", os_user)) if value]
    if len(given) != 1:
        raise BadInput("give one of --network, --certificate and --os-user")
    [(kind, value)] = given
    with opened_store(current_settings()) as store:
        made = store.enroll(actor(), key_id=find_key(store, key).id, kind=kind, value=value)
    show_record(asdict(made), as_json=as_json)


@enrollments_command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All enrollments, the newest first."""
    with opened_store(current_settings()) as store:
        rows = [asdict(enrollment) for enrollment in every(store.list_enrollments)]
    show_rows(rows, ("id", "kind", "value", "key_id", "created_at"), as_json=as_json, nothing="nobody is enrolled")


@enrollments_command.command("delete")
@click.argument("enrollment_id")
def delete(enrollment_id: str) -> None:
    """End an enrollment, within a second."""
    with opened_store(current_settings()) as store:
        store.remove_enrollment(actor(), enrollment_id)
        click.echo(f"deleted {enrollment_id}")


def _fingerprint(path: Path) -> str:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise BadInput(f"--certificate: {path} can't be read: {error.strerror}") from None
    except ValueError:
        raise BadInput(f"--certificate: {path} holds no PEM certificate") from None
    return certificate.fingerprint(hashes.SHA256()).hex()
