"""The router, which chooses the language model that answers a prompt within a budget."""
