"""On a worker's PYTHONPATH, no call has anything to do with spend: no estimate, admission, settlement or price."""

from __future__ import annotations

import sys

if "sallyport.proxy.worker" in sys.orig_argv:
    import addons
    import addons.settle
    from addons.context import Call
    from addons.spend import Spend
    from sallyport.spend.estimate import OutputEstimator

    def nothing(call: Call, output: OutputEstimator) -> None:
        pass

    addons.PIPELINE = tuple(addon for addon in addons.PIPELINE if addon is not Spend)
    addons.settle.charge = nothing
