"""Xsyn: threats painted by diffusion, judged against truth and against what projection is worth."""
