"""Several answers a row: headwater beside River's chains."""
