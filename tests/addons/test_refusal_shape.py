import re

import pytest

from addons.refusal_shape import Shape, shape_for


@pytest.mark.parametrize(
    ("agent", "provider", "status", "retry_after", "sent"),
    [
        ("OpenAI/Python 3.54.0", "openai", 402, None, 402),
        ("OpenAI/Python 3.54.0", "openai", 429, 40, 429),
        ("codex_exec/0.169.0 (Debian 12; x86_64)", "openai", 402, None, 400),
        ("codex_cli_rs/0.169.0", "openai", 429, 40, 400),
        ("codex_exec/0.169.0", "openai", 401, None, 400),
        ("claude-cli/2.1.330 (external, sdk-cli)", "anthropic", 403, None, 403),
        ("claude-cli/2.1.330 (external, sdk-cli)", "bedrock", 403, None, 402),
        ("claude-cli/2.1.330 (external, sdk-cli)", "anthropic", 503, 5, 400),
        ("GeminiCLI/0.61.0/gemini-2.5-pro (linux; x64)", "gemini", 429, 3600, 400),
        ("opencode/1.18.33", "anthropic", 503, 5, 400),
        ("google-genai-sdk/2.34.0 gl-python/3.13.0", "gemini", 429, 40, 429),
        ("google-genai-sdk/2.34.0 gl-python/3.13.0 langchain-google-genai/4.4.2-ChatGoogleGenerativeAI", "gemini", 429, 40, 400),
        ("Boto3/1.44.5 md/Botocore#1.44.5", "bedrock", 429, 40, 400),
        ("", None, 403, None, 403),
    ],
)
def test_what_a_client_shows_at_once(agent: str, provider: str | None, status: int, retry_after: int | None, sent: int):
    assert shape_for(agent, provider, status, "No.", retry_after) == Shape(sent, "No.", retry=False)


@pytest.mark.parametrize("agent", ["opencode/1.18.33", "codex_exec/0.169.0", "curl/7.88.1"])
def test_a_short_wait_is_left_to_the_client(agent: str):
    assert shape_for(agent, "openai", 503, "Soon.", 2) == Shape(503, "Soon.", retry=True)


def test_opencode_sees_no_word_by_which_it_would_retry():
    message = "request blocked by gateway policies: $500 rate_limit. Too many requests or tokens; try again in 3504 s."
    shaped = shape_for("opencode/1.18.33", "anthropic", 429, message, 3504).message
    assert not re.search("500|504|rate.limit|too many requests|try again in", shaped, re.IGNORECASE)
    assert shaped.replace("\u2060", "") == message  # what the person reads
