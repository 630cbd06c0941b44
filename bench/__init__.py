"""Measures speed and memory against the usual ways of doing the same; nothing else imports it."""
