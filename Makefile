# Every verb sets up what it needs; needs Python >= 3.11, make and git only.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
EXTRAS := .venv/.extras
export OMP_NUM_THREADS ?= 1

.PHONY: demo extras test test-slow test-s3 check format docs clean

demo: $(READY)  ## the main job: UCI heart disease, four hospitals, one command
	@$(BIN)/wardround demo $(ARGS)

extras: $(EXTRAS)  ## PyTorch and the libraries for pictures, signals and texts

test: $(EXTRAS)  ## the default test suite
	$(BIN)/pytest -m "not slow" --numprocesses 2 --dist loadfile $(ARGS)

test-slow: $(EXTRAS)  ## the long statistical and destructive runs
	$(BIN)/pytest -m slow $(ARGS)

test-s3: $(READY)  ## the store contract against any endpoint: WARDROUND_S3_ENDPOINT_URL=... make test-s3
	$(BIN)/pytest tests/contracts/test_store_contract.py $(ARGS)

check: $(EXTRAS)  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(EXTRAS)  ## write the generated pages of docs/reference
	$(BIN)/python docs/reference/generate.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	UV_LINK_MODE=copy $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --constraint constraints.txt --editable '.[test]'
	touch $(READY)

# pip, not uv: it takes a CPU build of torch where the machine is set up to offer one
$(EXTRAS): $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	UV_LINK_MODE=copy $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --constraint constraints.txt --editable '.[test,deep,imaging,signals,text]'
	touch $(EXTRAS)
