"""The outbox of traces. See `tables` for what all tables have in common."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from sallyport.store.tables import Base


class TraceRow(Base):
    """A call record on its way to a trace sink; it goes when the sink has it. Call ids are in the order of time."""

    __tablename__ = "traces_waiting"
    sink: Mapped[str] = mapped_column(primary_key=True)
    lane: Mapped[str] = mapped_column(primary_key=True)
    """What is delivered in order and held up together: all that goes to one place."""
    call_id: Mapped[str] = mapped_column(primary_key=True)
    record: Mapped[bytes]
    """The record's JSON, compressed by zlib."""
    size: Mapped[int]
    """Of the JSON, in bytes."""
    claimed_until: Mapped[float] = mapped_column(server_default="0")
    """Whoever delivers it has it to itself until then."""
