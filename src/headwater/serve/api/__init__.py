"""The API, with one file per subject and one function per address."""
