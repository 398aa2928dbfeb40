"""RWSC-Fusion's tables: quality of fusion, and what a synthesis is worth to a detector."""
