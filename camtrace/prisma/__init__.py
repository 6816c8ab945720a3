"""Prisma: events of tills, fuel dispensers and doors, one UDP datagram each, port 21845."""
