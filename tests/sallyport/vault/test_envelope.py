import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.secret import Secret
from sallyport.vault.envelope import DataKey, Vault
from sallyport.vault.errors import VaultError

VAULT = Vault(b"m" * 32)
KEY = VAULT.data_key("w", VAULT.new_data_key("w"))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_comes_back(plain: str) -> None:
    sealed = KEY.encrypt("OPENAI_API_KEY", Secret(plain))
    assert KEY.decrypt("OPENAI_API_KEY", sealed).reveal() == plain


def test_sealing_twice_shows_nothing_in_common() -> None:
    assert KEY.encrypt("N", Secret("same"))[1:13] != KEY.encrypt("N", Secret("same"))[1:13]
    assert b"same" not in KEY.encrypt("N", Secret("same"))


def test_a_sealed_value_opens_only_in_its_own_place() -> None:
    wrapped = VAULT.new_data_key("w")
    key = VAULT.data_key("w", wrapped)
    sealed = key.encrypt("N", Secret("s"))
    with pytest.raises(VaultError):
        key.decrypt("OTHER", sealed)
    with pytest.raises(VaultError):
        DataKey("other", key._key).decrypt("N", sealed)  # pyright: ignore[reportPrivateUsage] - the same key elsewhere
    with pytest.raises(VaultError):
        VAULT.data_key("other", wrapped)
    with pytest.raises(VaultError):
        Vault(b"x" * 32).data_key("w", wrapped)


@given(st.integers(0, 200), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, change: int) -> None:
    sealed = bytearray(KEY.encrypt("N", Secret("a secret")))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(VaultError):
        KEY.decrypt("N", bytes(sealed))


@given(st.binary(max_size=40))
def test_anything_else_is_refused(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        KEY.decrypt("N", sealed)


def test_rewrapping_keeps_the_data_key() -> None:
    wrapped = VAULT.new_data_key("w")
    sealed = VAULT.data_key("w", wrapped).encrypt("N", Secret("s"))
    new = Vault(b"n" * 32)
    rewrapped = VAULT.rewrap("w", wrapped, new)
    assert new.data_key("w", rewrapped).decrypt("N", sealed).reveal() == "s"
    with pytest.raises(VaultError):
        VAULT.data_key("w", rewrapped)


def test_derived_keys_are_stable_and_apart() -> None:
    again = Vault(b"m" * 32)
    assert VAULT.check_value() == again.check_value() != Vault(b"n" * 32).check_value()
    assert VAULT.audit_key() == again.audit_key()
    assert len({VAULT.check_value(), VAULT.audit_key().hex(), (b"m" * 32).hex(), KEY.placeholder_key().reveal()}) == 4


def test_nothing_shows_a_key() -> None:
    assert "6d6d" not in repr(VAULT) + repr(KEY) + repr(KEY.placeholder_key())
    with pytest.raises(VaultError, match="32 bytes"):
        Vault(b"short")
