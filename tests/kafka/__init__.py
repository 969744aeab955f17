"""Real Kafka brokers, for tests and development: `python -m tests.kafka` starts some and stops them."""
