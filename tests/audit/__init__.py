"""`make audit`: sources, secrets and packages, looked at by programs that know what to look for."""
