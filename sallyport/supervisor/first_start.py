"""What must be there before a process can serve: CA, master key, database, a first admin key. Made once, reused after."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from certs.authority import write_authority
from sallyport.paths import DataDir
from sallyport.providers import constrained_domains, load_providers
from sallyport.secret import Secret
from sallyport.settings import Settings
from sallyport.store.counting import claim
from sallyport.store.opening import open_store
from sallyport.supervisor import redis_server

ADMIN_KEY = "SALLYPORT_ADMIN_KEY"


@dataclass(frozen=True, slots=True)
class Prepared:
    fresh: bool
    """The database was empty until now."""
    admin_key: Secret | None
    """The admin key just made: the one time that it can be shown. None: there was one, or the environment preset it."""
    counting: Connection | None = None
    """The claim to count spend on this database, held as long as this is."""


def prepare(settings: Settings) -> Prepared:
    """Blocks. Raises CertificateError, StoreError; what is there is then left as it was."""
    data = DataDir(settings.data_dir)
    load_providers(settings.providers, settings.undecrypted)
    write_authority(data, sorted(constrained_domains()), tuple(_own_names(settings)), settings.upstream_ca)
    store = open_store(settings.database_url or data.database, data.master_key)
    try:
        counting = claim(store.engine, alone=settings.redis_url == redis_server.url(data.redis_socket))
        first = store.first_start(os.environ.get(ADMIN_KEY) or None)
    finally:
        store.engine.dispose()
    return Prepared(first.fresh, first.admin_key, counting)


def _own_names(settings: Settings) -> Iterator[str]:
    """The names that were configured, and the address we listen on unless it stands for all."""
    yield from settings.names
    host = settings.listen.host
    try:
        if ipaddress.ip_address(host).is_unspecified:
            return
    except ValueError:
        pass
    yield host
