# Every target installs its requirements. Variables: PROFILE, STUDY, DATA, DEVICE, SEEDS, LIMIT, OUT, PORT, SHORT.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out
audit = $(BIN)/pip-audit --progress-spinner off --timeout 10
# Values reach the commands as they are: `value` keeps make from expanding them, single quotes keep the shell from it.
quote = '$(subst ','\'',$(1))'
option = $(if $(value $(2)),$(call quote,--$(1)=$(value $(2))))
studies = $(foreach study,$(value STUDY),$(call quote,$(study)))
out = $(call option,out,OUT)
setting = $(call option,profile,PROFILE) $(call option,data,DATA) $(call option,device,DEVICE) $(call option,seeds,SEEDS)
unexport PROFILE STUDY DATA DEVICE SEEDS LIMIT OUT PORT SHORT

.PHONY: help setup ablate plan report ui test lint bench torture test-scale calibrate clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "variables: PROFILE=quick STUDY='relu dropout' DATA=folder DEVICE=cpu SEEDS=10 LIMIT=30m OUT=out PORT=5000"

setup: $(VENV)/ready  ## install into .venv; a recent torch that the machine already has is kept

$(VENV)/ready: pyproject.toml constraints.txt
	@echo "installing into $(VENV): a few minutes, once"
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(if $(shell $(PYTHON) -c 'import torch' 2>/dev/null && echo y),--system-site-packages) $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

ablate: setup  ## run the studies and write the report, e.g. make ablate DATA=folder
	$(BIN)/ablate run $(setting) $(out) $(call option,limit,LIMIT) $(studies)

plan: setup  ## show what `make ablate` would do and how long it would take
	$(BIN)/ablate plan $(setting) $(out) $(studies)

report: setup  ## judge the last run's records again, or those of STUDY="relu lrn"; trains nothing
	$(BIN)/ablate report $(out) $(studies)

ui: setup  ## open MLflow to compare the runs
	$(BIN)/ablate ui $(out) $(call option,port,PORT)

test: setup  ## run the tests in two processes
	$(BIN)/python -m pytest -n 2 --dist worksteal

# pip-audit is silent if it cannot reach the database: a package with known vulnerabilities tells whether it can.
lint: setup  ## run ruff, mypy, import-linter, and pip-audit if its database of vulnerabilities can be reached
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pip-audit --version
	@echo 'jinja2==2.4.1' > $(VENV)/vulnerable.txt
	@if $(audit) --no-deps --disable-pip -r $(VENV)/vulnerable.txt 2>&1 | grep -q 'Found .* known vulnerabilit'; \
	then $(audit) --local --skip-editable; \
	else echo "pip-audit: the database of vulnerabilities cannot be reached: nothing was audited"; fi

bench: $(VENV)/bench  ## time the harness against other harnesses and the machine; SHORT=1 only tests the benchmarks
	$(BIN)/python -m pytest tests/benchmarks -o python_files='bench_*.py' -v --json=$(call quote,$(or $(value OUT),out)/bench.json) $(if $(SHORT),--short)

$(VENV)/bench: $(VENV)/ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,bench]'
	@touch $@

torture: setup  ## kill processes, fill disks and stop servers during runs: 20 minutes; SHORT=1 takes a few
	$(BIN)/python -m pytest tests/torture -o python_files='torture_*.py' -v $(if $(SHORT),--short)

test-scale: $(VENV)/ray  ## test torchrun, Ray, a team's server, and photographs in ABLATE_TEST_PHOTOGRAPHS
	$(BIN)/python -m pytest tests/scale -o python_files='scale_*.py' -v

$(VENV)/ray: $(VENV)/ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,ray]'
	@touch $@

calibrate: setup  ## measure the error rates of verdicts on 10,000 synthetic studies per row: a minute
	$(BIN)/python -m pytest tests/calibration --studies 10000

clean:  ## remove what `setup` installed; results in OUT stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
