"""`cloud-runner runs`: what ran, what runs, and asking for more of it."""
