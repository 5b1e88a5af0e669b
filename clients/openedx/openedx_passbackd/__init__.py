"""Feeds passbackd with the launches, scores and course structures of an Open edX site."""
