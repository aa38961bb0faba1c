"""Single measurements, run by hand: their figures stand in benchmarks/NOTES.md."""
