"""The log in a Kafka topic: the log itself, its client, reader, codecs, its topic and the place that a URL names."""
