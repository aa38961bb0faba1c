"""Conversion of networks to PyTorch modules and back, with equal weights."""
