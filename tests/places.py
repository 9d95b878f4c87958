"""Where things are, for tests that read the repository itself."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
