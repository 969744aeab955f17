"""The brokers that tests share, and the whole cluster on one machine: `python -m tests.kafka.fleet` starts it."""
