"""Runs `nft`, which loads rules into the kernel: all of a file or, where anything in it is wrong, nothing."""

from __future__ import annotations

import os
import shutil
import subprocess

from sallyport.egress.ruleset import TABLE

PLACES = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin"
"""Where it may be. Run as root, it is not looked for in the PATH of whoever called."""
_INSTALL = "nft is not installed (Debian and Ubuntu: apt install nftables)"


class NftError(Exception):
    """The rules can't be applied or read; the message says why, and what to do."""


def load(rules: str) -> None:
    """Put `rules` in force. Raises NftError; then all is as before."""
    _nft("-f", "-", given=rules)


def check(rules: str) -> None:
    """Have the kernel look at `rules`, and change nothing. Raises NftError."""
    _nft("--check", "-f", "-", given=rules)


def remove() -> bool:
    """Take our table out; False where there is none. Raises NftError."""
    if listing() is None:
        return False
    _nft("delete", "table", *TABLE.split())
    return True


def listing(*options: str) -> str | None:
    """Our table as the kernel has it, None where there is none. `-j`: as JSON. Raises NftError."""
    if f"table {TABLE}" not in _nft("list", "tables").splitlines():
        return None
    return _nft(*options, "list", "table", *TABLE.split())


def _nft(*arguments: str, given: str | None = None) -> str:
    command = shutil.which("nft", path=PLACES)
    if command is None:
        raise NftError(_INSTALL)
    if os.geteuid() != 0:
        raise NftError("the kernel's rules are root's: run this with sudo")
    done = subprocess.run([command, *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NftError(f"nft {' '.join(arguments)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout
