"""Adds up the numbers that it is given."""

import sys

print(sum(float(word) for word in sys.argv[1:]))
