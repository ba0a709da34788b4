"""Property tests try the same examples each time, for in CI a fault is one of the commit, not of
the day; `--hypothesis-profile=long` tries fifty times as many, and others each time.

No test of a property depends on how busy the machine is.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")
# pytest's option names it, and loads it after this file.
settings.register_profile("long", derandomize=False, max_examples=5_000)
