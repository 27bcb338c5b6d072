import tomllib
from pathlib import Path

import pytest

from sallyport.store.policies import whole_policy

PRESETS = sorted(Path("policies/presets").glob("*.toml"))


@pytest.mark.parametrize("file", PRESETS, ids=lambda file: file.name)
def test_a_preset_is_valid(file: Path):
    policies = tomllib.loads(file.read_text())["policies"]
    assert policies
    for policy in policies:
        whole_policy(policy)


def test_there_are_some():
    assert PRESETS
