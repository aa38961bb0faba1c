"""Start a server for a measurement: a fresh store, a free port, the address on standard output."""

import sys

from headwater.cli import main

store, *options = sys.argv[1:]
sys.exit(main(["serve", "--store", store, "--port", "0", *options]))
