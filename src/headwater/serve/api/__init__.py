"""The API: one file a subject, one function an address."""
