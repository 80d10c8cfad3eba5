"""The stages of the pipeline, one file each; dvc.yaml gives their order. `python -m stages NAME` runs one."""
