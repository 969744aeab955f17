"""Logs to measure with: made, taken from a trace of a real event, or filled with a day of traffic."""
