import hashlib
import re

from sallyport.vault.keys import describe_admin_key, hash_key, new_admin_key, new_gateway_key, same


def test_keys_have_256_bits_that_a_double_click_selects() -> None:
    keys = [new_gateway_key() for _ in range(200)]
    assert all(re.fullmatch(r"sp_[0-9A-Za-z]{43}", key.key.reveal()) for key in keys)
    assert len({key.key.reveal() for key in keys}) == 200
    assert re.fullmatch(r"spa_[0-9A-Za-z]{43}", new_admin_key().key.reveal())


def test_the_hash_is_sha256_and_the_prefix_short() -> None:
    fresh = new_gateway_key()
    assert fresh.hash == hashlib.sha256(fresh.key.reveal().encode()).digest() == hash_key(fresh.key.reveal())
    assert fresh.key.reveal().startswith(fresh.prefix)
    assert len(fresh.prefix) == 9
    assert fresh.key.reveal() not in repr(fresh)


def test_of_a_chosen_key_at_most_a_quarter_is_shown() -> None:
    assert describe_admin_key("hunter2").prefix == "h"
    assert len(describe_admin_key("x" * 100).prefix) == 10


def test_hashes_compare_by_value() -> None:
    assert same(hash_key("a"), hash_key("a"))
    assert not same(hash_key("a"), hash_key("b"))
