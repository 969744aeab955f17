"""Tools for tests of more than one folder: servers, clients, brokers, ports, and how processes share a run's tests.

Nothing here is a test, and nothing here is shipped.
"""
