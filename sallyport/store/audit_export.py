"""An export of the audit log: JSON lines, one a row as stored, then one that signs the newest. It is checked without the gateway.

A line is the row as JSON with sorted keys and no spaces, so that its `hash` is the SHA-256 of the line without `hash` (and line
break); each `prev_hash` is the `hash` of the line before. The last line holds `head` (the newest row's seq and hash),
`exported_at` (UTC seconds), `rows`, the public key and, over the line without it, the Ed25519 `signature`. Its key derives from
the master key; who checks must have its public half from elsewhere. Any other byte anywhere is refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, select

from sallyport.store import audit
from sallyport.store.audit import COLUMNS, EMPTY, Head
from sallyport.store.errors import StoreError
from sallyport.store.tables import AuditRow
from sallyport.vault.envelope import Vault

_ROW = frozenset(column.name for column in COLUMNS)
_END = frozenset({"head", "exported_at", "rows", "public_key", "signature"})


class ExportError(StoreError):
    """This is not the export that was written; the message says where it differs."""


@dataclass(frozen=True, slots=True)
class AuditExport:
    rows: int
    exported_at: float
    public_key: str
    """Hexadecimal."""


def public_key(vault: Vault) -> str:
    """What checks the exports of the gateway with this master key, in hexadecimal."""
    return vault.audit_export_key().public_key().public_bytes_raw().hex()


def write(connection: Connection, vault: Vault, file: BinaryIO) -> AuditExport:
    """Raises StoreError for a log that is not whole: a signature would make it look so."""
    verdict = audit.verify(connection, vault.audit_key())
    if not verdict["ok"]:
        raise StoreError(f"the audit log is damaged at row {verdict['broken_at']} and is not exported")
    last = EMPTY
    for row in _rows(connection):
        file.write(_line(row))
        last = Head(row["seq"], row["hash"])
    done = AuditExport(last.seq, time.time(), public_key(vault))
    end = _end(done, last)
    file.write(_line({**end, "signature": vault.audit_export_key().sign(_line(end)).hex()}))
    return done


def _rows(connection: Connection) -> Iterator[dict[str, Any]]:
    query = select(*COLUMNS).order_by(AuditRow.seq)
    for row in connection.execution_options(yield_per=500).execute(query).mappings():
        yield audit.written({**row})


def verify(lines: Iterable[bytes], key: str) -> AuditExport:
    """Checks an export, line by line, against the public key `key`. Raises ExportError."""
    last = EMPTY
    end: dict[str, Any] | None = None
    for number, line in enumerate(lines, 1):
        if end is not None:
            raise ExportError(f"line {number}: something follows the signed end")
        values = _values(number, line)
        if values.keys() == _END:
            end = values
        elif not (_ROW - audit.LATER <= values.keys() <= _ROW):
            raise ExportError(f"line {number}: this is no row of an audit log")
        else:
            last = _next(number, values, last)
    if end is None:
        raise ExportError("the signed end is missing: the export was cut off")
    return _check_end(end, last, key)


def _next(number: int, values: dict[str, Any], last: Head) -> Head:
    hash = values.pop("hash")
    if values["seq"] != last.seq + 1 or values["prev_hash"] != last.hash:
        raise ExportError(f"line {number}: row {last.seq + 1} should be here; rows were taken out, put in or moved")
    if hash != audit.row_hash(values):
        raise ExportError(f"line {number}: row {values['seq']} was changed")
    return Head(values["seq"], hash)


def _check_end(end: dict[str, Any], last: Head, key: str) -> AuditExport:
    if end["public_key"] != key:
        raise ExportError(
            f"it is signed with another key, {end['public_key']}; an export from before the master key was rotated is "
            "checked with the public key of that time"
        )
    written = end.pop("signature")
    try:
        signature = bytes.fromhex(written)
        if signature.hex() != written:  # fromhex takes other spellings too
            raise ValueError
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, _line(end))
    except (InvalidSignature, ValueError, TypeError):
        raise ExportError("the signature is wrong: the end was changed") from None
    done = AuditExport(end["rows"], end["exported_at"], key)
    if _end(done, last) != end:
        raise ExportError(f"row {last.seq} is not the newest that was exported: rows are missing at the end")
    return done


def _end(done: AuditExport, last: Head) -> dict[str, Any]:
    return {
        "head": {"seq": last.seq, "hash": last.hash},
        "exported_at": done.exported_at,
        "rows": done.rows,
        "public_key": done.public_key,
    }


def _line(values: dict[str, Any]) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _values(number: int, line: bytes) -> dict[str, Any]:
    """The object that the line is the one spelling of."""
    try:
        values = orjson.loads(line)
        if isinstance(values, dict) and _line(cast(dict[str, Any], values)) == line:
            return cast(dict[str, Any], values)
    except (ValueError, TypeError):
        pass
    raise ExportError(f"line {number}: not as it was written")
