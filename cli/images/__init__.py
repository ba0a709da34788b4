"""`cloud-runner image`: a project's image, made and uploaded with what is there to make it with."""
