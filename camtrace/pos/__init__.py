"""Tills: the CamTrace line protocol over TCP, port 8010."""
