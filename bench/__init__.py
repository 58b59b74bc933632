"""Benchmarks: the budgets with today's numbers, as CPU time or a ratio inside one run; no test fails by the clock."""
