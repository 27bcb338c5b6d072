"""The ledger: the durable, append-only record of calls and their cost, in SQL. Works on SQLite and PostgreSQL alike.

Everything here blocks on SQL: call it in a thread, never on an event loop.
"""

from sallyport.spend.ledger.calls import CallFilters, call_json, get_call, list_calls
from sallyport.spend.ledger.rollups import GROUPS, Rollup, rollup, rollup_json
from sallyport.spend.ledger.sums import Cost, Sum, costs_of, sums_between
from sallyport.spend.ledger.violations import get_violation, list_violations, violation_json
from sallyport.spend.ledger.writing import insert_calls

__all__ = [
    "GROUPS",
    "CallFilters",
    "Cost",
    "Rollup",
    "Sum",
    "call_json",
    "costs_of",
    "get_call",
    "get_violation",
    "insert_calls",
    "list_calls",
    "list_violations",
    "rollup",
    "rollup_json",
    "sums_between",
    "violation_json",
]
