"""How accurate headwater's defaults are beside other learners of streams, row by row: ``python -m benchmarks.accuracy.run``."""
