"""The pipeline: one mitmproxy addon per file, each a class whose docstring says what it does and when.

A call goes down this tuple in order; its answer comes up through `Settle`.
"""

from addons.access import Access
from addons.batches import Batches
from addons.credentials import Credentials
from addons.fallback import Fallback
from addons.identify import Identify
from addons.key_pool import KeyPool
from addons.recode import Recode
from addons.redact import Redact
from addons.route import Route
from addons.settle import Settle
from addons.spend import Spend
from addons.top_up import TopUp
from addons.turns import Turns

PIPELINE = (Route, Identify, Turns, Access, Redact, Batches, KeyPool, Fallback, Spend, Recode, Credentials, TopUp, Settle)
