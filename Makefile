# `make demo` and `make test` set themselves up in .venv; nothing is needed beforehand but Python 3.10 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
# Bindings alone, to look into: what they bind to takes gigabytes and a GPU. 10.3 is that of JetPack 6.1 and 6.2.
BINDINGS := tensorrt_cu13_bindings==11.4.* tensorrt_cu12_bindings==10.3.*

# Type checkers follow folders, not package_dir: they are shown a tree of links in which every part lies in coconet/.
LINKS := .links

.PHONY: demo test test-slow lint pictures resolve site links clean

demo: $(VENV)/.base
	$(BIN)/coconet demo --overwrite

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

# What takes more than about 5 s each: large networks exported and built, whole programs killed, wheels installed.
test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

lint: $(VENV)/.dev links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.check_words
	cd $(LINKS) && ../$(BIN)/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache --package coconet --package tests

# The pictures of the live page in docs/, from the states that the tests drive it through.
pictures: $(VENV)/.dev
	COCONET_PICTURES=docs $(BIN)/python -m pytest -n 0 tests/system/test_browser_states.py

# The documentation as a site in build/site, which opens from the disk; a dead link ends it.
site: $(VENV)/.dev
	$(BIN)/python -m mkdocs build --strict

# What each extra and each documented line would install, on the Pythons and processors of the devices. Asks the index.
resolve: $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m tests.resolve_installs

links:
	@rm -rf $(LINKS) && mkdir -p $(LINKS)/coconet
	@ln -s ../tests $(LINKS)/tests
	@for entry in $(CURDIR)/coconet/*; do ln -s ../../coconet/$${entry##*/} $(LINKS)/coconet/; done
	@for part in runtime export calibration benchmarks; do ln -s ../../$$part $(LINKS)/coconet/$$part; done

clean:
	rm -rf $(VENV) $(LINKS) build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "error: $(PYTHON) is too old; wanted Python 3.10 or newer. Name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "error: $(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }

$(VENV)/.base: setup.py | $(BIN)/python
	@echo "installing coconet-edge into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[cpu,headless]'
	@touch $@

$(VENV)/.dev: $(VENV)/.base | $(BIN)/python
	@echo "installing what the tests need into $(VENV) (minutes on a first run) ..."
	@$(BIN)/python tests/install_torch.py $(TORCH)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@set -f; for wheel in $(BINDINGS); do version=$${wheel#*==}; \
		$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/tensorrt-bindings-$${version%.*} --upgrade "$$wheel" \
		|| echo "no $$wheel: the test that looks into it will be skipped" >&2; done
	@touch $@
