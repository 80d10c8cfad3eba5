"""From raw rows to instruction rows: filters with named reasons, duplicates, secrets, splits, and the ledger."""
