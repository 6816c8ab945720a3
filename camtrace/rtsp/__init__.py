"""Playback and live pictures over RTSP, port 8554."""
