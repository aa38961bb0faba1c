"""The part of `headwater learn` for several targets per row."""
