"""Wire formats of third parties: a package that is really installed, and a provider declared to speak what it adds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[project]
name = "acme-wire"
version = "1.0"

[project.entry-points."sallyport.wire_formats"]
{name} = "acme_wire:{target}"

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
py-modules = ["acme_wire"]
"""
MODULE = """
from sallyport.providers.base import Operation
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.openai_chat import OpenAIChat

surface = Surface((route("POST", "/say", Operation("chat", OpenAIChat())),), openai_error)
broken = 7
"""
LOOK = """
from sallyport.declaration import Declaration
from sallyport.providers import load_providers
declared = Declaration(base_url="https://llm.acme.example", secret="ACME_KEY", wire_formats={"/v3": "acme"})
try:
    print(load_providers({"acme": declared})["acme"].operation("POST", "/v3/say").name)
except ValueError as error:
    print(error)
"""


def installed(tmp_path: Path, name: str, target: str) -> str:
    """What a process says that has such a package installed."""
    project, site = tmp_path / "project", tmp_path / "site"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT.format(name=name, target=target))
    (project / "acme_wire.py").write_text(MODULE)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(project)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), *filter(None, sys.path)))}
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("acme", "surface", "chat"),
        ("openai", "surface", "the wire format 'openai' (acme_wire:surface) takes the name of another"),
        ("acme", "broken", "the wire format 'acme' (acme_wire:broken) is no Surface"),
        ("acme", "missing", "the wire format 'acme' (acme_wire:missing) can't be loaded"),
    ],
)
def test_a_third_party_adds_a_wire_format(tmp_path: Path, name: str, target: str, said: str):
    assert installed(tmp_path, name, target).startswith(said)
