"""Turn raw rows into instruction rows: filters with named reasons, duplicates, secrets, splits and the ledger."""
