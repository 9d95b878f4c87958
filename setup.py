"""The packages of the namespace `nasboard`: its own folder and the top-level ones. All else is in pyproject.toml."""

from tempfile import TemporaryDirectory

from setuptools import find_packages, setup

FOLDERS = ("harness", "tabular", "benchmarks", "methods", "suites", "baselines")
PACKAGES = ["nasboard", *(f"nasboard.{name}" for name in find_packages(include=[f"{top}*" for top in FOLDERS]))]

with TemporaryDirectory() as folder:  # a `build` that was left behind would bring modules that are gone into the wheel
    setup(packages=PACKAGES, options={"build": {"build_base": folder}})
