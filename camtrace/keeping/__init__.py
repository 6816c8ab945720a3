"""How long rows are kept: those whose days are over are removed, a few at a time."""
