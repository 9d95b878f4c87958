"""Search spaces and what scores them: tabular tasks, and under `live` data, supernets and training."""
