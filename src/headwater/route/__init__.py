"""The route: what happens before what to a stream, and what is looked at on the way. Scores, drift, late labels, policies."""
