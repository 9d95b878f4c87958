"""NAS-Bench-201: the benchmarks, their recorded trainings, seed policies, hardware and published figures."""
