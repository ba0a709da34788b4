"""Real faults on the embedded stack: parts die by SIGKILL while pushes go through it.

`python -m tests.chaos` runs it. What is pushed, and which fault follows which, comes from a seed;
the moment at which a fault meets the work is the machine's own, so a seed repeats a storm's course,
not its every encounter. For schedules that repeat to the step there is the simulation.
"""
