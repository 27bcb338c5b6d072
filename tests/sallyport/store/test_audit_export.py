from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sallyport.store import audit, audit_export
from sallyport.store.audit_export import ExportError, public_key, verify
from sallyport.store.database import writing
from sallyport.store.errors import StoreError
from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from sallyport.store.operations import Store
from sallyport.vault.envelope import Vault

OTHER = Vault(b"o" * 32)


def exported(store: Store) -> bytes:
    file = io.BytesIO()
    store.export_audit(file)
    return file.getvalue()


def check(data: bytes, key: str) -> int:
    return verify(io.BytesIO(data), key).rows


@cache
def sample() -> tuple[bytes, str]:
    """An export of nine rows, and its public key."""
    with TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "gateway.db", Path(directory) / "master.key", {})
        store.first_start()
        for number in range(8):
            store.create_user(Actor("Zoë 🗝", "192.0.2.7"), {"name": f"user {number}"})
        data, key = exported(store), public_key(store.vault)
        store.engine.dispose()
    assert check(data, key) == 9
    return data, key


def test_an_export_is_the_log_and_is_checked_without_it(store: Store, actor: Actor) -> None:
    store.create_policy(actor, {"name": "b", "policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": 0.1}})
    data = exported(store)
    *rows, end = [orjson.loads(line) for line in data.splitlines()]
    entries = store.list_audit().items
    assert [(row["seq"], row["hash"], row["after"]) for row in reversed(rows)] == [(e.seq, e.hash, e.after) for e in entries]
    assert end["head"] == {"seq": len(rows), "hash": rows[-1]["hash"]}
    assert check(data, public_key(store.vault)) == len(rows)


@settings(deadline=None)
@given(st.data())
def test_no_other_byte_passes(data: st.DataObject) -> None:
    good, key = sample()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(st.sampled_from([good[:at], good[at:], good[:at] + b" " + good[at:], good[:at] + good[at + 1 :]]))
    flipped = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    for changed in (bad, flipped):
        if changed != good:
            with pytest.raises(ExportError):
                check(changed, key)


@settings(deadline=None)
@given(st.data())
def test_lines_taken_out_moved_or_doubled_are_noticed(data: st.DataObject) -> None:
    good, key = sample()
    lines = good.splitlines(keepends=True)
    chosen = data.draw(st.lists(st.sampled_from(range(len(lines))), max_size=len(lines) + 1))
    assume(chosen != list(range(len(lines))))
    with pytest.raises(ExportError):
        check(b"".join(lines[number] for number in chosen), key)


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_anything_else_is_no_export(data: bytes) -> None:
    with pytest.raises(ExportError):
        check(data, sample()[1])


def rehashed(good: bytes, forge: Callable[[dict[str, object]], None]) -> tuple[list[bytes], audit.Head]:
    """The rows, the fourth forged, with a chain that fits: what somebody without the master key can make."""
    last, lines = audit.EMPTY, list[bytes]()
    for number, line in enumerate(good.splitlines()[:-1]):
        row = orjson.loads(line)
        if number == 3:
            forge(row)
        del row["hash"]
        row["prev_hash"] = last.hash
        row["hash"] = audit.row_hash(row)
        last = audit.Head(row["seq"], row["hash"])
        lines.append(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n")
    return lines, last


def test_a_chain_made_anew_lacks_the_signature() -> None:
    good, key = sample()
    lines, last = rehashed(good, lambda row: row.update(actor="somebody else"))
    old_end = good.splitlines(keepends=True)[-1]
    with pytest.raises(ExportError, match="not the newest"):
        check(b"".join(lines) + old_end, key)
    end = orjson.loads(old_end)
    del end["signature"]
    end["head"] = {"seq": last.seq, "hash": last.hash}
    for shown, told in ((end["public_key"], "signature is wrong"), (public_key(OTHER), "another key")):
        end["public_key"] = shown
        body = orjson.dumps(end, option=orjson.OPT_SORT_KEYS) + b"\n"
        signed = {**end, "signature": OTHER.audit_export_key().sign(body).hex()}
        forged = orjson.dumps(signed, option=orjson.OPT_SORT_KEYS) + b"\n"
        with pytest.raises(ExportError, match=told):
            check(b"".join(lines) + forged, key)


def test_a_damaged_log_is_not_signed(store: Store, actor: Actor) -> None:
    store.create_user(actor, {"name": "Ada"})
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE audit_logs SET actor = 'nobody' WHERE seq = 2"))
    with pytest.raises(StoreError, match="damaged at row 2"):
        exported(store)


def test_after_a_rotation_old_exports_need_the_old_public_key(store: Store, actor: Actor) -> None:
    old, old_key = exported(store), public_key(store.vault)
    store.rotate_master_key(actor, OTHER)
    assert check(old, old_key) == 1
    with pytest.raises(ExportError, match=old_key):
        check(old, public_key(store.vault))
    assert check(exported(store), public_key(OTHER)) == 2
    assert audit_export.public_key(OTHER) != old_key
