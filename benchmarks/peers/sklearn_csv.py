"""pandas reads, scikit-learn computes."""

import sys

import pandas as pd
from sklearn.metrics import mean_squared_error

data = pd.read_csv(sys.argv[1])
print(mean_squared_error(data.y_true, data.y_pred))
