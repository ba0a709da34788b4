"""Machines of the embedded account: EC2 and Systems Manager, each instance in a directory."""
