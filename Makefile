# Two commands: `make demo` opens the chat page of the demo shop, `make test` runs the checks
# (`.ci/run` the slow ones too).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test weights

demo: .venv/.installed
	$(BIN)/deskhand demo

test: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow"

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

# The shipped weights again, from DATA (see fusion/weights/MODEL_CARD.md); four hours on two cores.
DATA ?= data
RENDERS ?= renders
weights: .venv/.installed-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[studio,train]"
	$(BIN)/python -m knowledge.demo.studio.render --set train --out $(RENDERS)
	$(BIN)/python -m knowledge.demo.studio.render --set customer --seed 1 --per-product 1 \
	    --size 224 --out $(RENDERS)/customer
	$(BIN)/deskhand train vision --data $(DATA) --out $(RENDERS)/first
	$(BIN)/deskhand train vision --data $(DATA) --renders $(RENDERS) --out $(RENDERS)/second \
	    --start $(RENDERS)/first/vision.safetensors --epochs 3 --peak-rate 3e-4
	$(BIN)/deskhand train vision --data $(DATA) --out $(RENDERS)/third \
	    --start $(RENDERS)/second/vision.safetensors
	$(BIN)/deskhand train vision --data $(DATA) --renders $(RENDERS) --out $(RENDERS)/fourth \
	    --start $(RENDERS)/third/vision.safetensors --epochs 2 --peak-rate 3e-4
	$(BIN)/deskhand train vision --data $(DATA) --renders $(RENDERS) --out fusion/weights \
	    --average $(RENDERS)/second/vision.safetensors \
	    --average $(RENDERS)/fourth/vision.safetensors
	$(BIN)/python -m knowledge.demo.studio.render --set damage --samples 5 --per-product 4 \
	    --out $(RENDERS)/damage
	$(BIN)/deskhand train damage --renders $(RENDERS)/damage --data $(DATA) --out fusion/weights
	$(BIN)/deskhand train languages --data $(DATA) --out $(RENDERS)/languages --sentences 53248
	cp $(RENDERS)/languages/student.safetensors $(RENDERS)/languages/student.card.json fusion/weights
	$(BIN)/deskhand train fusion --data $(DATA) --out $(RENDERS)/fusion --model all
	cp $(RENDERS)/fusion/ours/0/fusion.* fusion/weights
	for name in concat autoencoder cca dcca attention late text photo; do \
	    mkdir -p fusion/weights/$$name && cp $(RENDERS)/fusion/$$name/0/fusion.* fusion/weights/$$name; \
	done
