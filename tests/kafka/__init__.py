"""The shared brokers of the tests, and the whole cluster on one machine: `python -m tests.kafka.fleet` starts it."""
