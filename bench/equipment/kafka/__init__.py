"""Real Kafka brokers, for benches, tests and development: `python -m bench.equipment.kafka` starts and stops some."""
