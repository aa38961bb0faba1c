"""The part of `headwater learn` for several answers a row."""
