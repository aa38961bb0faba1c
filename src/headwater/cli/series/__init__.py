"""``headwater forecast``: the command, the rows that it reads, and what it prints."""
