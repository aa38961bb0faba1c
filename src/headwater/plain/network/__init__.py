"""The network, its initial weights, its recurrences and its operations in other libraries."""
