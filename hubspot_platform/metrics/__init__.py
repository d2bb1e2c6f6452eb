"""The 22 sales metrics: what they are (`catalogue`), and their values and records of any period (`answer`)."""
