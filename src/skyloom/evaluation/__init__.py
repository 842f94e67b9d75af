"""Grades against the simulator's truth."""
