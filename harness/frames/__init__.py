"""What a store holds as pandas frames, for a notebook: a row a run, a step, a training, a logged array."""

from nasboard.harness.frames.arrays import load_arrays
from nasboard.harness.frames.runs import load_runs
from nasboard.harness.frames.steps import load_steps
from nasboard.harness.frames.trainings import load_trainings

__all__ = ["load_arrays", "load_runs", "load_steps", "load_trainings"]
