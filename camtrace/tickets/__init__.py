"""What all text sources have in common: lines grouped into tickets, what stands on the screen now."""
