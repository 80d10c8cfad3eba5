"""Kill the training (SIGKILL) repeatedly at random moments, then check that it ends in the committed bytes.

Run from the root of a checkout whose pipeline is up to date: `python -m benchmarks.kills --kills 10 --within 50`.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

CHECKPOINT = Path(".cache/training/training.safetensors")
TRAIN = ["dvc", "repro", "--quiet", "--single-item", "--force", "train"]


def changed() -> str:
    """Return the uncommitted changes, as `git status` prints them."""
    return subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout


def killed_after(seconds: float) -> bool:
    """Start the training and kill all its processes after some seconds. Return whether it was still running."""
    with subprocess.Popen(TRAIN, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    if process.returncode:
        sys.exit(f"error: {' '.join(TRAIN)} failed; run it to see why")
    return False


def main() -> None:
    """Kill the training several times, let it finish, and compare the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--within", type=float, default=50, help="maximum seconds between a start and its kill")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if changed():
        sys.exit("error: there are uncommitted changes. Commit or stash them first.")
    draw = random.Random(options.seed)
    start, after = time.monotonic(), 0
    for number in range(1, options.kills + 1):
        delay = draw.uniform(0, options.within)
        if not killed_after(delay):
            sys.exit(f"error: the training ended before kill {number}. Use a smaller --within.")
        after += CHECKPOINT.exists()
        state = "checkpoint exists" if CHECKPOINT.exists() else "no checkpoint yet"
        print(f"kill {number}, {delay:.1f} s after the start: {state}", flush=True)
    if not after:
        sys.exit("error: every kill came before the first checkpoint, so nothing was tested. Use a larger --within.")
    subprocess.run(TRAIN, check=True)
    if found := changed():
        sys.exit(f"error: these files are different:\n{found}")
    took = time.monotonic() - start
    print(f"{options.kills} kills in {took:.0f} s, {after} of them with a checkpoint:")
    print("every file that git tracks, including dvc.lock, is the same as committed")


if __name__ == "__main__":
    main()
