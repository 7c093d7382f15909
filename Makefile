# `make demo` and `make test` set themselves up in .venv; nothing is needed beforehand but Python 3.10 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
# Bindings alone, to look into: what they bind to takes gigabytes and a GPU.
BINDINGS := 'tensorrt_cu13_bindings==11.4.*'
SOURCES := coconet runtime export calibration benchmarks

.PHONY: demo test lint clean

demo: $(VENV)/.base
	$(BIN)/coconet demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "error: $(PYTHON) is too old; wanted Python 3.10 or newer. Name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "error: $(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }

$(VENV)/.base: setup.py | $(BIN)/python
	@echo "installing coconet-edge into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base | $(BIN)/python
	@echo "installing what the tests need into $(VENV) (minutes on a first run) ..."
	@$(BIN)/python tests/install_torch.py $(TORCH)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/tensorrt-bindings-11 --upgrade $(BINDINGS) \
		|| echo "no bindings of TensorRT 11.4: the test that looks into them will be skipped" >&2
	@touch $@
