"""Cameras as devices: connecting, status in words, tests."""
