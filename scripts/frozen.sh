#!/usr/bin/env bash
# Runs the named frozen stages of dvc.yaml, which `dvc repro` skips. To unfreeze a stage, DVC rewrites dvc.yaml in its own
# format. So this script restores the original file at the end, also after an error.
set -euo pipefail
kept=$(mktemp)
cp dvc.yaml "$kept"
trap 'cp "$kept" dvc.yaml; rm "$kept"' EXIT
dvc unfreeze --quiet "$@"
for stage in "$@"; do
  dvc repro --single-item --force "$stage"
done
