"""What HTTP asks of every address: errors and their status, access, schemas of requests, counts."""
