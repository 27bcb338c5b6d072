"""What a call will probably use, told before it is sent, and the most that it can use."""

from __future__ import annotations

from collections import OrderedDict

from sallyport.providers.base import MOST_OUTPUT_TOKENS

_BYTES_PER_TOKEN = 3
_REMEMBERED = 10_000
_WEIGHT_OF_NEWEST = 0.2


def input_tokens(body: bytes | int) -> int:
    """The tokens of a request body, or of one of that many bytes: rather too many than too few.

    English and code run at 3.5 to 5 bytes a token in all common tokenizers, JSON punctuation included.
    """
    size = body if isinstance(body, int) else len(body)
    return -(-size // _BYTES_PER_TOKEN)


def most_input_tokens(body: bytes | int) -> int:
    """No byte-level tokenizer makes more than one token of a byte."""
    return body if isinstance(body, int) else len(body)


def most_output_tokens(cap: int | None) -> int:
    return MOST_OUTPUT_TOKENS if cap is None else max(cap, 0)


class OutputEstimator:
    """Remembers what each key and model lately put out: an exponential average, of the 10,000 pairs used last."""

    def __init__(self, default: int = 500) -> None:
        self._default = default
        self._averages: OrderedDict[tuple[str | None, str | None], float] = OrderedDict()

    def expect(self, key_id: str | None, model: str | None, cap: int | None = None) -> int:
        """The output tokens to reserve for, never above the request's own cap."""
        average = self._averages.get((key_id, model))
        expected = self._default if average is None else round(average)
        return expected if cap is None else min(expected, max(cap, 0))

    def observe(self, key_id: str | None, model: str | None, output_tokens: int) -> None:
        """Take in what a finished call put out. Give the model as the request named it: that is what is asked for next time."""
        pair = (key_id, model)
        average = self._averages.get(pair, float(output_tokens))
        self._averages[pair] = average + _WEIGHT_OF_NEWEST * (output_tokens - average)
        self._averages.move_to_end(pair)
        if len(self._averages) > _REMEMBERED:
            self._averages.popitem(last=False)
