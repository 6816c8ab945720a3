"""What is kept of the pictures, where, and for how long."""
