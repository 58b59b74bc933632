"""Benchmarks: budgets of the design with today's numbers. CPU time or ratios inside one run, never a pass or a fail by the clock."""
