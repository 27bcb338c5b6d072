"""The tables of budget alerts. See `tables` for what all have in common."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sallyport.store.tables import Base


class WebhookRow(Base):
    """Where budget alerts go."""

    __tablename__ = "webhooks"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    kind: Mapped[str]
    """generic | slack"""
    host: Mapped[str]
    """Of its URL, the rest of which may be a credential."""
    data_key: Mapped[bytes]
    """Its own data key, wrapped by the master key."""
    sealed: Mapped[bytes]
    """URL and secret."""
    created_at: Mapped[float]


class AlertRow(Base):
    """A subject's spend reached a threshold of a cap: once for each policy, window, threshold and limit."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint(
            *("policy_id", "subject", "window", "window_start", "percent", "limit_nano"), name="uq_alerts_threshold"
        ),
        Index(None, "at", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[float]
    organization_id: Mapped[str]
    policy_id: Mapped[str]
    policy_name: Mapped[str]
    subject: Mapped[str]
    """As the counters name it: `user_id=ada`."""
    window: Mapped[str]
    window_start: Mapped[float]
    percent: Mapped[int]
    limit_nano: Mapped[int]
    spend_nano: Mapped[int]


class DeliveryRow(Base):
    """An alert on its way to a webhook."""

    __tablename__ = "alert_deliveries"
    __table_args__ = (Index(None, "state", "next_at"),)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id"), primary_key=True)
    state: Mapped[str]
    """waiting | delivered | failed"""
    attempts: Mapped[int]
    next_at: Mapped[float]
    error: Mapped[str | None]
