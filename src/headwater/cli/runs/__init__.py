"""Special runs of ``headwater learn``, into a store or with compound labels."""
