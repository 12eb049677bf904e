"""Train a small network with PyTorch, log its losses per epoch, and look at the rows that carry the last one.

    python examples/torch_training.py [LOG]

Each line of the log (JSON Lines, `log.jsonl` by default) has the losses of one epoch on the rows held out. The file of
their predictions, `held_out.csv` beside the log, is for the command line: `losscli compare --losses mse,huber,mae`.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import torch

import losscli

EPOCHS = 30
LOSSES = [losscli.get_loss("mse"), losscli.get_loss("huber", delta=1.0), losscli.get_loss("mae")]


def make_data(rows: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (N, 2) and targets (N,), of which one in 50 is an outlier."""
    features = torch.rand(rows, 2) * 4 - 2
    targets = torch.sin(2 * features[:, 0]) + features[:, 1] ** 2 / 2 + 0.1 * torch.randn(rows)
    targets[::50] += 5
    return features, targets


def main(path: Path) -> None:
    """Train, write the log and the predictions, and print what was found."""
    torch.manual_seed(0)
    features, targets = make_data()
    train, held_out = slice(0, 200), slice(200, None)
    model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1), torch.nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    criterion = torch.nn.HuberLoss(delta=1.0)

    with path.open("w", encoding="utf-8") as log:
        for epoch in range(1, EPOCHS + 1):
            for start in range(0, 200, 50):
                rows = slice(start, start + 50)
                optimizer.zero_grad()
                criterion(model(features[train][rows]), targets[train][rows]).backward()
                optimizer.step()
            predicted = model(features[held_out])  # with a gradient, which losscli leaves out
            values = {loss.name: loss.value(targets[held_out], predicted) for loss in LOSSES}
            log.write(json.dumps({"epoch": epoch, "train": "huber", **values}) + "\n")

    # PyTorch rounds to 32 bits, losscli computes with 64: seven digits are the same
    assert abs(values["huber"] - criterion(predicted, targets[held_out]).item()) < 1e-6
    print(f"epoch {EPOCHS}: " + ", ".join(f"{name} {value:.4f}" for name, value in values.items()))

    result = losscli.compute("mse", y_true=targets[held_out], y_pred=predicted, ci=0.95, seed=1)
    worst = result.to_frame().nlargest(3, "mse")
    share = worst["mse"].sum() / result.sum
    print(f"the worst rows are {worst.index.tolist()}: {share:.0%} of the mse is theirs")

    with path.with_name("held_out.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["y_true", "y_pred"])
        writer.writerows(zip(targets[held_out].tolist(), predicted.tolist(), strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "log.jsonl"))
