"""Threats painted into scans by latent diffusion (Xsyn): sampling, box refinement, occlusion."""
