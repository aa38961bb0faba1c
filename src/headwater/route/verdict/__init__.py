"""The verdict on a model in words, the same for pages, reports, notebooks and the command."""
