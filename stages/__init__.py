"""The stages of the pipeline, one file for each stage. dvc.yaml sets their order; `python -m stages NAME` runs one."""

import sys

if sys.argv[0] == "-m" and (_names := [word for word in sys.orig_argv if word.startswith("stages.")]):
    raise SystemExit(f"codetune: cannot run {_names[0]} directly. Run `python -m {_names[0].replace('.', ' ', 1)}`.")
