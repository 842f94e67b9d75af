"""Simulator that is data, teacher, judge."""
