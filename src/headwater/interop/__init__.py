"""Learners in the words of other libraries, and other libraries' models on the route."""
