"""What can go wrong with the vault. No message holds a key or a secret."""


class VaultError(Exception):
    """A key is missing or malformed, or something can't be decrypted with it."""
