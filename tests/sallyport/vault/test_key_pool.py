from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sallyport.secret import Secret
from sallyport.vault.key_pool import PooledKey, Resting, choose

POOLS = st.lists(st.tuples(st.text(min_size=1), st.integers(1, 1000)), min_size=2, max_size=8, unique_by=lambda pair: pair[0])


def pool_of(*weights: int) -> list[PooledKey]:
    return [PooledKey(f"key-{number}", weight, Secret(f"sk-{number}")) for number, weight in enumerate(weights)]


def at(now: list[float]) -> Resting:
    return Resting(lambda: now[0])


@given(POOLS, st.text())
def test_a_caller_keeps_its_key_when_others_come_and_go(pairs: list[tuple[str, int]], caller: str) -> None:
    pool = [PooledKey(label, weight, Secret(label)) for label, weight in pairs]
    chosen = choose(pool, caller, Resting())
    assert choose(pool[::-1], caller, Resting()) == chosen
    for gone in pool:
        if gone is not chosen:
            assert choose([key for key in pool if key is not gone], caller, Resting()) == chosen


@given(POOLS, st.text())
def test_who_has_a_resting_key_gets_another_and_comes_back(pairs: list[tuple[str, int]], caller: str) -> None:
    pool, now = [PooledKey(label, weight, Secret(label)) for label, weight in pairs], [100.0]
    resting = at(now)
    chosen = choose(pool, caller, resting)
    resting.rest(chosen, 30)
    assert choose(pool, caller, resting) == choose([key for key in pool if key is not chosen], caller, Resting())
    now[0] += 30
    assert choose(pool, caller, resting) == chosen


def test_weights_are_shares() -> None:
    pool = pool_of(1, 3, 6)
    shares = Counter(choose(pool, f"caller-{number}", Resting()).label for number in range(5000))
    for key in pool:
        assert abs(shares[key.label] / 5000 - key.weight / 10) < 0.03


def test_where_all_rest_the_one_that_rests_shortest_is_used() -> None:
    pool, resting = pool_of(1, 1, 1), at([0.0])
    for key, seconds in zip(pool, (600, 5, 30), strict=True):
        resting.rest(key, seconds)
    assert choose(pool, "caller", resting) == pool[1]


def test_what_no_longer_rests_is_forgotten() -> None:
    now = [0.0]
    resting = at(now)
    for number in range(20_000):
        now[0] += 1
        resting.rest(PooledKey("x", 1, Secret(f"sk-{number}")), 5)
    assert len(resting._until) <= 10_000  # pyright: ignore[reportPrivateUsage] - it must not grow for ever
