# make run   set up and serve the shipped framework
# make test  set up and run every check
# make bench measure, beside other servers (more than an hour; docs/benchmarks.md)
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
BUILT := service/competency_graph/web/static/built
TOLD := test -e $(BUILT)/yasqe.min.js || echo "== The query page has a plain form, without completion: that takes npm (install it, then: make clean run)"

.PHONY: run test check format bench clean
.DELETE_ON_ERROR:

run: .venv/run
	@echo "== Serving the shipped framework; the database is competency-graph.db in this folder"
	@$(BIN)/competency-graph serve

test: check
	@echo "== Tests (about twelve minutes on two cores)"
	@$(BIN)/python -m pytest

check: .venv/dev
	@echo "== Style (cure: make format)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || (echo "Some files are not in the house format. Run: make format"; exit 1)
	@echo "== Types"
	@$(BIN)/mypy --no-error-summary
	@echo "== Spelling"
	@$(BIN)/codespell *.md docs service shapes ontology/*.ttl ontology/*.md

format: .venv/dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/dev
	@echo "== Measuring; parts alone: $(BIN)/python -m bench --help" >&2
	@$(BIN)/python -m bench

.venv/made:
	@echo "== Making a virtual environment in .venv (once)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/run: .venv/made pyproject.toml constraints.txt package-lock.json hatch_build.py
	@echo "== Installing the service and its libraries into .venv (once, a minute or two)"
	@$(PIP) --editable .
	@$(TOLD)
	@touch $@

.venv/dev: .venv/made pyproject.toml constraints.txt package-lock.json hatch_build.py
	@echo "== Installing the service and what checks it into .venv (once, a minute or two)"
	@$(PIP) --editable '.[dev]'
	@$(TOLD)
	@touch $@

clean:
	@rm -rf $(BUILT) .venv .bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
