"""Synthesis: threats put into benign bags, with exact annotation."""
