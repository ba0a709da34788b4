"""What must stay true between code, template, samples and docs."""
