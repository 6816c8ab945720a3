"""A drawn shop with cameras and tills of its own, which talks to the server by sockets only."""
