#!/usr/bin/env bash
# Runs every stage again, starting with the downloads. Fails if a file that git tracks is different afterwards.
# Skips the frozen stages (see `make validity`), and `execute` if the machine does not support isolation.
set -euo pipefail
[ -z "$(git status --porcelain)" ] || { echo "error: there are uncommitted changes. Commit or stash them first." >&2; exit 2; }
stages=$(python -c '
import sys
from dvc.repo import Repo
from dvc.stage import PipelineStage
from codetune.core.errors import UserError
from codetune.evaluation.sandbox.isolation import find_isolation
stages = [stage for stage in Repo().index.stages if isinstance(stage, PipelineStage)]
names = [stage.name for stage in stages if not stage.frozen]
try:
    find_isolation()
except UserError as error:
    print(f"execute is not verified: {error}", file=sys.stderr)
    names.remove("execute")
print(*names)')
# shellcheck disable=SC2086  # the names are separate words
dvc repro --single-item --force $stages  # all in one command, because DVC takes seconds to start
changed=$(git status --porcelain)
[ -z "$changed" ] || { echo "error: these files are different after the run:" >&2; echo "$changed" >&2; exit 1; }
echo "verified: every file that git tracks is the same, byte for byte"
