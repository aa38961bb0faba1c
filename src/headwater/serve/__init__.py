"""HTTP server for durable learners, with a page to watch them live."""
