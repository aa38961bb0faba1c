"""HTTP concerns of all addresses (errors, access, schemas, limits, counters)."""
