"""Bytes: which file, packed how, written in which letters, cut into lines."""
