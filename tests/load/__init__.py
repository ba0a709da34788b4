"""Load: the embedded stack under more pushes than a team makes, counted to the last one."""
