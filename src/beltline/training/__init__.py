"""The training loop, its data, its recipes. Needs the ``train`` extra (torch)."""
