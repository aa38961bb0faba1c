"""One module a library; each has ``make(name, stream, seed)``, and imports nothing of the other libraries."""
