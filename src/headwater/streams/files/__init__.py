"""Open files, decompress them, detect their encoding and split them into lines."""
