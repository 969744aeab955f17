"""The log in a Kafka topic: the log itself, its client, reader, codecs and topic, and the place that its URL names."""
