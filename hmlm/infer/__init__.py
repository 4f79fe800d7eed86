"""The sampling driver: chunked, many chains, on one device or many."""
