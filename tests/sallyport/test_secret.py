import pickle

import pytest

from sallyport.secret import Secret


def test_a_secret_shows_itself_only_when_asked():
    secret = Secret("sk-very-secret")
    assert secret.reveal() == "sk-very-secret"
    assert "very" not in f"{secret} {secret!r} {[secret]}"


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(Secret("sk-very-secret"))


def test_secrets_are_equal_by_value():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
