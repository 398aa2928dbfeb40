"""Click models: one click cuts out any item."""
