"""Bellhop's local cloud: LocalStack on the host, without Docker, and the commands that run it."""
