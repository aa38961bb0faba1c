"""11 SERVE: learners over HTTP that lose nothing, and a page to watch them live."""
