"""Xsyn: threats painted into scans by diffusion."""
