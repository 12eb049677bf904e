"""NumPy's one-liner."""

import sys

import numpy as np

print(np.mean((np.load(sys.argv[1]) - np.load(sys.argv[2])) ** 2))
