"""Logs to measure with: generated, taken from a trace of a real event, or filled with a day of traffic."""
