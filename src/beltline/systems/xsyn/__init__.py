"""Xsyn: a diffusion model that paints threats into scans."""
