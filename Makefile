# Everything a fresh machine needs is set up by `make test` and `make demo` themselves.
PYTHON ?= python3
TOX = .venv/bin/tox
SCREEN = xvfb-run -a -s "-screen 0 1600x1000x24"

.PHONY: help test demo lint types docs clean system

help:
	@echo "make demo    the viewer on a sample, with a training running live"
	@echo "make test    the tests"
	@echo "make lint    style, format and layers"
	@echo "make types   static types"
	@echo "make docs    the documentation, into site/"
	@echo "make clean   remove what these made"

system:
	@bash scripts/setup_system.sh $(PYTHON)

# Touched last, so that an installation that was interrupted is done again.
.venv/ready: constraints.txt | system
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt tox
	@touch $@

test: system .venv/ready
	$(TOX) run -e py

# In the environment of the tests: torch need not be installed twice.
demo: system .venv/ready
	$(TOX) run -e py --notest
	@screen='$(SCREEN)'; drive=--drive; \
	if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then screen=; drive=; fi; \
	eval "$$screen $(TOX) exec -e py -- python -m tomoscribe.ui.demo $$drive"

lint: .venv/ready
	$(TOX) run -e lint

types: .venv/ready
	$(TOX) run -e types

docs: .venv/ready
	$(TOX) run -e docs

clean:
	rm -rf .venv .tox build dist site demo_output
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
