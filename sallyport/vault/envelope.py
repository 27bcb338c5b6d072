"""Envelope encryption at rest: the master key wraps one data key per workspace, the data key encrypts that workspace's secrets.

AES-256-GCM throughout. A sealed value is one version byte, a random 96-bit nonce, the ciphertext and its 128-bit tag. The
associated data names what is sealed (version, workspace, secret), so that no value can be moved to another place.
"""

from __future__ import annotations

import os

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sallyport.secret import Secret
from sallyport.vault.errors import VaultError

KEY_BYTES = 32
_VERSION = 1
_NONCE_BYTES = 12


class Vault:
    """Everything that needs the master key."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise VaultError(f"the master key must be {KEY_BYTES} bytes, not {len(master_key)}")
        self._master = master_key

    def __repr__(self) -> str:
        return "Vault(…)"

    def new_data_key(self, workspace_id: str) -> bytes:
        """A new data key for a workspace, wrapped."""
        return self._wrap(os.urandom(KEY_BYTES), workspace_id)

    def data_key(self, workspace_id: str, wrapped: bytes) -> DataKey:
        """Unwraps. Raises VaultError when the wrapped key is another workspace's, another master key's or damaged."""
        return DataKey(workspace_id, _open(self._master, wrapped, ["data key", workspace_id]))

    def rewrap(self, workspace_id: str, wrapped: bytes, new: Vault) -> bytes:
        """The same data key, wrapped by the master key of `new`. Raises VaultError."""
        return new._wrap(_open(self._master, wrapped, ["data key", workspace_id]), workspace_id)

    def check_value(self) -> str:
        """Tells whether a master key is the right one, and nothing about it."""
        return _derive(self._master, "master key check").hex()

    def audit_key(self) -> bytes:
        """Signs the head of the audit log."""
        return _derive(self._master, "audit head")

    def audit_export_key(self) -> Ed25519PrivateKey:
        """Signs exports of the audit log; who holds its public half can check them anywhere."""
        return Ed25519PrivateKey.from_private_bytes(_derive(self._master, "audit export"))

    def answers_key(self) -> DataKey:
        """Encrypts the answers that are kept for requests sent again."""
        return DataKey("answers", _derive(self._master, "kept answers"))

    def _wrap(self, data_key: bytes, workspace_id: str) -> bytes:
        return _seal(self._master, data_key, ["data key", workspace_id])


class DataKey:
    """Encrypts and decrypts the secrets of one workspace."""

    def __init__(self, workspace_id: str, key: bytes) -> None:
        self._workspace_id = workspace_id
        self._key = key

    def __repr__(self) -> str:
        return "DataKey(…)"

    def encrypt(self, name: str, secret: Secret) -> bytes:
        return _seal(self._key, secret.reveal().encode(), ["secret", self._workspace_id, name])

    def decrypt(self, name: str, sealed: bytes) -> Secret:
        """Raises VaultError when `sealed` was made for another workspace or name, with another key, or was changed."""
        return Secret(_open(self._key, sealed, ["secret", self._workspace_id, name]).decode())

    def placeholder_key(self) -> Secret:
        """Hex; keys the HMAC that names placeholders in this workspace."""
        return Secret(_derive(self._key, "placeholders").hex())


def _seal(key: bytes, plain: bytes, associated: list[str]) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return bytes([_VERSION]) + nonce + AESGCM(key).encrypt(nonce, plain, _associated(associated))


def _open(key: bytes, sealed: bytes, associated: list[str]) -> bytes:
    if sealed[:1] != bytes([_VERSION]):
        raise VaultError("an encrypted value has an unknown format")
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _associated(associated))
    except (InvalidTag, ValueError):
        raise VaultError("an encrypted value can't be decrypted: it was made with another key, moved or changed") from None


def _associated(parts: list[str]) -> bytes:
    return orjson.dumps(["sallyport", _VERSION, *parts])


def _derive(key: bytes, purpose: str) -> bytes:
    """HKDF-SHA256 (RFC 5869): a key of its own for each purpose."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"sallyport {purpose}".encode()).derive(key)
