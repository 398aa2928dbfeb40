"""Painters of threats: latent diffusion after Xsyn, small enough for a CPU. Needs the extra [diffusion]."""
