import subprocess
import sys


def test_the_tour_shows_a_swap_a_redaction_a_stream_and_a_refusal():
    done = subprocess.run(
        [sys.executable, "run_gateway.py", "demo", "--exit"], capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "Authorization: Bearer sp_" in shown
    assert "Authorization: Bearer sk-provider-key" in shown
    assert "[SAFE_TO_USE:PERSON_" in shown
    assert "[SAFE_TO_USE:GITHUB_PAT_" in shown
    assert "This answer comes from the stand-in" in shown
    assert "402 request blocked by gateway policies: intern's day" in shown
    assert "The console:  http://127.0.0.1:" in shown
