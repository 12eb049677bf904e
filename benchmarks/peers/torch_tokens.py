"""Cross-entropy of tokens in torch, in float32, 256 rows at a time so that the scores need not fit in memory."""

import sys

import numpy as np
import torch
from torch.nn.functional import cross_entropy

tokens, scores = torch.from_numpy(np.load(sys.argv[1])), np.load(sys.argv[2], mmap_mode="r")
total = 0.0
for start in range(0, len(scores), 256):
    part = slice(start, start + 256)
    total += cross_entropy(torch.from_numpy(scores[part].astype(np.float32)), tokens[part], reduction="sum").item()
print(total / len(scores))
