"""What other libraries need of several outputs."""
