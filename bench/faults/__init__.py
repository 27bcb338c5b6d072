"""`python -m bench.faults`: whatever is killed, stopped or emptied while calls run, the ledger has each call once."""
