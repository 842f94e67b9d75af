"""The server: an API, durable jobs, workers."""
