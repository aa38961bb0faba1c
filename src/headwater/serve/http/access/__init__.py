"""Access control of requests, by tokens, sessions, origins and rate limits."""
