import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sallyport.supervisor import processes
from sallyport.supervisor.processes import Child, ChildError, ChildSpec, python_module

READY = "import os, signal, sys; settings = sys.stdin.read(); os.write(int(os.environ['SALLYPORT_READY_FD']), b'ready\\n'); "


def child(code: str, **more: object) -> ChildSpec:
    return ChildSpec("tiny", (sys.executable, "-c", code), **more)  # pyright: ignore[reportArgumentType]


async def until(condition: Callable[[], bool]) -> None:
    def poll() -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    await asyncio.to_thread(poll)


async def content(path: Path) -> str:
    await until(lambda: path.exists() and path.read_text() != "")
    return await asyncio.to_thread(path.read_text)


async def until_dead(pid: int) -> None:
    status = Path(f"/proc/{pid}/status")
    await until(lambda: not status.exists() or "State:\tZ" in status.read_text())


async def test_it_gets_its_settings_on_stdin_and_nothing_it_may_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SALLYPORT_MASTER_KEY", "m")
    out = tmp_path / "out"
    code = READY + f"open({str(out)!r}, 'w').write(settings + str(os.environ.get('SALLYPORT_MASTER_KEY')) + os.environ['X'])"
    one = Child(child(code + "; signal.pause()", stdin=b"{}", environment={"X": "y"}, withheld=("SALLYPORT_MASTER_KEY",)))
    await one.start()
    assert await content(out) == "{}Noney"
    await one.stop(grace=5)
    assert one.pid is None


async def test_a_killed_child_is_started_again():
    ready = asyncio.Event()
    one = Child(child(READY + "signal.pause()"), ready.set)
    await one.start()
    first = one.pid
    assert first is not None
    await asyncio.wait_for(ready.wait(), 10)
    ready.clear()
    os.kill(first, signal.SIGKILL)
    await asyncio.wait_for(ready.wait(), 10)
    assert one.pid not in (None, first)
    assert one.restarts == 1
    await one.stop(grace=5)


async def test_the_wait_between_restarts_doubles(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(processes, "LONGEST_DELAY", 0.02)
    one = Child(child(READY + "sys.exit(3)"))
    await one.start()
    await until(lambda: one.restarts >= 3)
    await one.stop(grace=5)
    waits = [record.args[2] for record in caplog.records if record.levelname == "ERROR" and isinstance(record.args, tuple)]
    assert waits[:3] == [0.01, 0.02, 0.02]
    assert "tiny ended with exit code 3" in caplog.text


async def test_a_child_that_never_serves_is_an_error_that_names_it():
    with pytest.raises(ChildError, match="tiny ended with exit code 7 before it served"):
        await Child(child("raise SystemExit(7)")).start()


async def test_a_child_that_does_not_end_is_killed():
    one = Child(
        child("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY + "[signal.pause() for _ in iter(int, 1)]")
    )
    await one.start()
    pid = one.pid
    assert pid is not None
    await one.stop(grace=0.05)
    await until_dead(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only our own modules watch their parent")
async def test_children_end_with_a_killed_supervisor(tmp_path: Path):
    out = tmp_path / "pid"
    code = f"""
import asyncio, sys
from sallyport.supervisor.processes import Child, ChildSpec
async def main():
    one = Child(ChildSpec("tiny", (sys.executable, "-c", {READY + "signal.pause()"!r})))
    await one.start()
    open({str(out)!r}, "w").write(str(one.pid))
    await asyncio.Event().wait()
asyncio.run(main())
"""
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    pid = int(await content(out))
    supervisor.kill()
    await supervisor.wait()
    await until_dead(pid)


async def test_lines_of_a_relayed_child_reach_the_log():
    lines: list[str] = []
    said = asyncio.Event()

    def take(line: str) -> None:
        lines.append(line)
        said.set()

    one = Child(child(READY + "print('hello', flush=True); signal.pause()", relay=take))
    await one.start()
    await asyncio.wait_for(said.wait(), 10)
    assert lines == ["hello"]
    await one.stop(grace=5)


async def test_our_modules_run_without_asserts_and_not_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "sallyport.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ChildError, match="exit code 1"):  # tether without arguments ends with an IndexError
        await Child(ChildSpec("tether", python_module("sallyport.supervisor.tether"))).start()
    assert "-O" in python_module("x")
