"""The real services under thousands of hostile schedules, in one process and in virtual time."""
