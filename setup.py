"""The packages of the namespace `nasboard`: its own folder and the top-level ones. All else is in pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = ("harness", "tabular", "benchmarks", "methods", "suites", "baselines")

DATA = ("suites", "baselines")  # no code in them

found = [*find_packages(include=[f"{top}*" for top in FOLDERS]), *DATA]
setup(packages=["nasboard", *(f"nasboard.{name}" for name in found)])
