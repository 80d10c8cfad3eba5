#!/usr/bin/env bash
# Trains the tokenizer and the embedded base model again and measures them: the two frozen stages of dvc.yaml.
set -euo pipefail

python - <<'PYTHON'
import json

provenance = json.load(open("models/base/provenance.json"))
hours = provenance["seconds"] / 3600
print(f"The last run took {hours:.1f} hours on {provenance['hardware']}, and a quarter of an hour to measure.")
print("It may be interrupted: state is kept in .cache/pretraining, and the next `make base` goes on from there.")
print("Delete that folder to begin from nothing.")
PYTHON
exec "$(dirname "$0")/frozen.sh" pretrain assess
