"""permessage-deflate (RFC 7692), as the library has it, but bounded, and not put off by a ping within a message."""

from __future__ import annotations

import zlib
from typing import override

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits


class BoundedDeflate(PerMessageDeflate):
    def __init__(self, accepted: str, limit: int) -> None:
        """`accepted`: the extension with its parameters, as the server's handshake names it. Raises ValueError for a bad one."""
        super().__init__()
        self._limit = limit
        self._in_control = False
        self.finalize(accepted)

    @override
    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        self._in_control = opcode.iscontrol()
        if self._in_control:
            return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else RsvBits(True, False, False)
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    @override
    def frame_inbound_payload_data(self, proto: FrameDecoder | FrameProtocol, data: bytes) -> bytes | CloseReason:
        if self._in_control or not self._inbound_compressed or self._decompressor is None:
            return data
        try:
            text = self._decompressor.decompress(data, self._limit + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        return CloseReason.MESSAGE_TOO_BIG if self._decompressor.unconsumed_tail else text

    @override
    def frame_inbound_complete(self, proto: FrameDecoder | FrameProtocol, fin: bool) -> bytes | CloseReason | None:
        return None if self._in_control else super().frame_inbound_complete(proto, fin)
