#!/usr/bin/env bash
# Runs every stage again, from the downloads on, and fails when a file that git tracks came out different.
set -euo pipefail
[ -z "$(git status --porcelain)" ] || { echo "error: there are uncommitted changes. Commit or stash them first." >&2; exit 2; }
dvc repro --force
changed=$(git status --porcelain)
[ -z "$changed" ] || { echo "error: these files came out different:" >&2; echo "$changed" >&2; exit 1; }
echo "verified: every file that git tracks came out byte for byte"
