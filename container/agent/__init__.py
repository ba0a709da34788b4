"""The agent on a machine of one's own: runs one experiment, and ends the machine whatever happens.

Two processes that do not depend on each other: the supervisor (`run`) runs the experiment, stores
what it leaves, tells about it and shuts the system down; the watchdog (`watch`) does the same where
the supervisor cannot, when the machine's time is over, and when nobody comes.
"""
