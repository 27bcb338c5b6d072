"""Machines of a small network, as network namespaces of this one: a client, a gateway between, and providers.

    client  10.77.1.2, fd77:1::2 ── gateway 10.77.1.1, fd77:1::1
                                    gateway 10.77.2.1, fd77:2::1 ── providers 10.77.2.2, .3, fd77:2::2, ::3

The addresses are seen in these namespaces only. Names are resolved by a hosts file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HOSTS = """
127.0.0.1 localhost
10.77.2.2 api.openai.com
fd77:2::2 api.anthropic.com
10.77.2.3 other4.example
fd77:2::3 other6.example
"""
_CLEAN = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "HOME": "/", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Machine:
    """One namespace."""

    name: str

    @property
    def within(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def run(self, *command: str | Path, given: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command there, with a clean environment."""
        return subprocess.run(
            [*self.within, *map(str, command)], input=given, env=_CLEAN | environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def must(self, *command: str | Path) -> str:
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}{done.stdout}"
        return done.stdout

    @contextmanager
    def entered(self) -> Generator[None]:
        """The sockets and processes that this thread makes are there."""
        with Path("/proc/thread-self/ns/net").open() as here, Path(f"/run/netns/{self.name}").open() as there:
            os.setns(there.fileno(), os.CLONE_NEWNET)
            try:
                yield
            finally:
                os.setns(here.fileno(), os.CLONE_NEWNET)


class Network:
    """Made and unmade by its `with` block."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:  # what is made before something fails goes again
            self._make()
            self._stack = self._stack.pop_all()
        return self

    def _make(self) -> None:
        mark = f"sp{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
        self.client, self.gateway, self.providers = (self._machine(f"{mark}-{role}") for role in "cgp")
        _join(self.client, self.gateway, "to-gateway", "to-clients", 1)
        _join(self.providers, self.gateway, "to-gateway", "to-providers", 2)
        for family, last in (("4", "10.77.2.3/24"), ("6", "fd77:2::3/64")):
            self.providers.must("ip", f"-{family}", "addr", "add", last, "dev", "to-gateway", *_at_once(family))
        for machine, network in ((self.client, 1), (self.providers, 2)):
            machine.must("ip", "-4", "route", "add", "default", "via", f"10.77.{network}.1")
            machine.must("ip", "-6", "route", "add", "default", "via", f"fd77:{network}::1")
        for setting in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self.gateway.must("sysctl", "-qw", f"{setting}=1")

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _machine(self, name: str) -> Machine:
        subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True, env=_CLEAN)
        self._stack.callback(subprocess.run, ["ip", "netns", "delete", name], check=False, capture_output=True, env=_CLEAN)
        own = Path("/etc/netns") / name  # what `ip netns exec` shows in /etc
        own.mkdir(parents=True)
        self._stack.callback(shutil.rmtree, own)
        (own / "hosts").write_text(HOSTS)
        machine = Machine(name)
        machine.must("ip", "link", "set", "lo", "up")
        return machine


def _join(end: Machine, router: Machine, end_link: str, router_link: str, network: int) -> None:
    pair = ("type", "veth", "peer", "name", router_link, "netns", router.name)
    end.must("ip", "link", "add", end_link, *pair)
    for machine, link, last in ((end, end_link, 2), (router, router_link, 1)):
        for family, address in (("4", f"10.77.{network}.{last}/24"), ("6", f"fd77:{network}::{last}/64")):
            machine.must("ip", f"-{family}", "addr", "add", address, "dev", link, *_at_once(family))
        machine.must("ip", "link", "set", link, "up")


def _at_once(family: str) -> tuple[str, ...]:
    """An IPv6 address is not to be used before it is known that nobody else has it, which here is known."""
    return ("nodad",) if family == "6" else ()


def why_not() -> str | None:
    """Why there can be no such network here, or None."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    for command, package in (("ip", "iproute2"), ("nft", "nftables"), ("curl", "curl")):
        if shutil.which(command, path=_CLEAN["PATH"]) is None:
            return f"{command} is not installed (Debian: apt install {package})"
    try:
        with Network() as network:
            rules = "table inet t { chain c { type nat hook output priority -100; tcp dport 1 redirect to :2; }; }"
            tried = network.gateway.run("nft", "-f", "-", given=rules)
    except (subprocess.CalledProcessError, OSError, AssertionError) as error:
        return f"network namespaces can't be made here: {getattr(error, 'stderr', None) or error}"
    return f"the kernel takes no nftables rules: {tried.stderr}" if tried.returncode else None
