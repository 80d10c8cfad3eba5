"""The stages of the pipeline, one file each; dvc.yaml gives their order. `python -m stages NAME` runs one."""

import sys

if sys.argv[0] == "-m" and (_names := [word for word in sys.orig_argv if word.startswith("stages.")]):
    raise SystemExit(f"codetune: {_names[0]} is run by `python -m {_names[0].replace('.', ' ', 1)}`.")
