"""What the repository promises of itself."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def names(lines: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~!; ]", line)[0].lower() for line in lines}


def test_every_direct_dependency_says_why_it_is_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    direct = names(project["project"]["dependencies"]) | names(project["dependency-groups"]["dev"])
    told = {
        name.strip()
        for row in re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
        for name in row.split(",")
    }
    assert told - {"package", "---"} == direct


def test_direct_dependencies_are_locked_with_hashes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = (ROOT / "requirements" / "run.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert names(project["project"]["dependencies"]) <= locked
    assert len(re.findall(r"^[a-z0-9-]+==[^\n]+\\\n    --hash=", lock, re.MULTILINE)) == len(locked)


def test_the_readme_begins_with_the_two_commands():
    first, second = (ROOT / "README.md").read_text().splitlines()[:2]
    assert first.split()[:2] == ["make", "run"]
    assert second.split()[:2] == ["make", "test"]
