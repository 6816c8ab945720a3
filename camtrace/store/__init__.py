"""All SQL: one class per table family, with methods in words of the trade."""
