"""The page *How good is it*: what README claims and where others are ahead, from the result files of the benchmarks."""
