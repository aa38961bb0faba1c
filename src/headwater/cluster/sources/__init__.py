"""Rows of a round, read by the coordinator (``rows``) or, from several sources, by the workers themselves (``partitions``)."""
