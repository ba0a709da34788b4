"""`cloud-runner project`: a repository joins the stack of an environment, and leaves it again."""
