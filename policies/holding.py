"""The caps and limits that hold for a caller, worked out once for as long as the policies are the same: each call asks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from policies.model import Policy, Subject
from policies.rate_limit import Limit, limits_for
from policies.spend_cap import Cap, caps_for
from policies.subjects import header_names

_REMEMBERED = 10_000


class Holding:
    """Of one process."""

    def __init__(self) -> None:
        self._policies: Sequence[Policy] = ()
        self._headers: list[str] = []
        self._known: OrderedDict[object, tuple[tuple[Cap, ...], tuple[Limit, ...]]] = OrderedDict()

    def of(self, policies: Sequence[Policy], subject: Subject) -> tuple[tuple[Cap, ...], tuple[Limit, ...]]:
        """What `caps_for` and `limits_for` say. The same `policies` are told by identity: a snapshot is never changed."""
        if policies is not self._policies:
            self._policies, self._headers = policies, sorted(header_names(policies))
            self._known.clear()
        said = tuple([subject.headers.get(name) for name in self._headers])
        key = (subject.organization_id, subject.workspace_id, subject.user_id, subject.api_key_id, said)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = caps_for(policies, subject), limits_for(policies, subject)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found
