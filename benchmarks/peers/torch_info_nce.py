"""info_nce in torch."""

import sys

import numpy as np
import torch
from torch.nn.functional import cross_entropy, normalize

anchor, positive = (torch.from_numpy(np.load(path)) for path in sys.argv[1:])
cosines = normalize(anchor) @ normalize(positive).T
print(cross_entropy(cosines / 0.1, torch.arange(len(anchor))).item())
