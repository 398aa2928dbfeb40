"""Diffusion that paints threats into scans: sampling, boxes that fit what was painted, occlusion, layouts."""
