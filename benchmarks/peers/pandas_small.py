"""The pandas one-liner."""

import sys

import pandas as pd

data = pd.read_csv(sys.argv[1])
print(((data.y_true - data.y_pred) ** 2).mean())
