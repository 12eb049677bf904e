# mypy: disable-error-code="import-untyped"
"""Write the sample data next to this script, from data sets that scikit-learn ships.

Every seed is fixed and nothing is downloaded, so running the script again gives the same bytes.
Needs numpy, scikit-learn and pyarrow; see README.md for what each file holds.
"""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
SEED = 0
FOLDS = 10
DIMENSIONS = 8
ROWS = 200  # triplets, pairs and labelled embeddings alike
DARK = 8  # of 16, what counts as ink
HARD_DRAWS = 20  # how many candidates a hard negative is the nearest of
VALUE_DECIMALS = 4
PROBABILITY_DECIMALS = 6
EMBEDDING_DECIMALS = 8
WINE_FEATURES = ("alcohol", "malic_acid")  # two of the thirteen, so that the model is not perfect

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Table = Mapping[str, Sequence[Any]]


class Digits(NamedTuple):
    """Unit-length embeddings of held-out digits, their labels, and one unit direction per digit."""

    embeddings: FloatArray
    labels: IntArray
    weights: FloatArray


def cell(value: object) -> object:
    """Floats in the shortest positional form (0.000001, never 1e-06); anything else as it is."""
    return np.format_float_positional(value, trim="0") if isinstance(value, float) else value


def csv_bytes(table: Table) -> bytes:
    """Return the table as CSV with a header row and LF line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows([cell(value) for value in row] for row in zip(*table.values(), strict=True))
    return text.getvalue().encode()


def jsonl_bytes(table: Table) -> bytes:
    """Return the table as JSON Lines: one object per row."""
    rows = zip(*table.values(), strict=True)
    return "".join(json.dumps(dict(zip(table, row, strict=True))) + "\n" for row in rows).encode()


def write_gzip(path: Path, content: bytes) -> None:
    """Compress with neither a file name nor a time in the header, so that the bytes can be reproduced."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(content)


def row_ids(prefix: str, count: int) -> list[str]:
    """Ids such as p001, p002, ..."""
    return [f"{prefix}{number:03d}" for number in range(1, count + 1)]


def class_probabilities(features: FloatArray, labels: IntArray) -> FloatArray:
    """Cross-validated class probabilities of a scaled logistic regression."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    predicted: FloatArray = cross_val_predict(model, features, labels, cv=folds, method="predict_proba")
    return predicted


def round_rows(probabilities: FloatArray) -> FloatArray:
    """Round each row and put what is left over into its largest entry, so that it still sums to 1."""
    rounded = probabilities.round(PROBABILITY_DECIMALS)
    rows = np.arange(len(rounded))
    rounded[rows, rounded.argmax(axis=1)] += 1.0 - rounded.sum(axis=1)
    return rounded.round(PROBABILITY_DECIMALS)


def unit_rows(vectors: FloatArray) -> FloatArray:
    """Scale each row to length 1, then round it."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray((vectors / lengths).round(EMBEDDING_DECIMALS))


def make_diabetes() -> None:
    """Regression: two models on one target, with a two-valued group column."""
    data = load_diabetes(scaled=False)
    folds = KFold(FOLDS, shuffle=True, random_state=SEED)
    linear = cross_val_predict(LinearRegression(), data.data, data.target, cv=folds).round(VALUE_DECIMALS)
    forest = cross_val_predict(RandomForestRegressor(random_state=SEED), data.data, data.target, cv=folds)
    sex = data.data[:, data.feature_names.index("sex")]
    table = {
        "id": row_ids("p", len(data.target)),
        "sex": np.where(sex == 1, "a", "b").tolist(),
        "y_true": data.target.tolist(),
        "y_pred": linear.tolist(),
        "forest": forest.round(VALUE_DECIMALS).tolist(),
    }
    (HERE / "diabetes.csv").write_bytes(csv_bytes(table))
    (HERE / "diabetes.jsonl").write_bytes(jsonl_bytes(table))
    write_gzip(HERE / "diabetes.csv.gz", csv_bytes(table))
    pq.write_table(pa.table(table), HERE / "diabetes.parquet")
    np.save(HERE / "diabetes_true.npy", data.target.astype(np.float64))
    np.save(HERE / "diabetes_pred.npy", linear)


def make_tumours() -> None:
    """Regression with outliers: the largest area of a tumour's nuclei from the means of its ten measurements."""
    data = load_breast_cancer()
    means = [i for i, name in enumerate(data.feature_names) if name.startswith("mean ")]
    target = data.data[:, list(data.feature_names).index("worst area")]
    folds = KFold(FOLDS, shuffle=True, random_state=SEED)
    predicted = cross_val_predict(LinearRegression(), data.data[:, means], target, cv=folds).round(VALUE_DECIMALS)
    table = {
        "id": row_ids("t", len(target)),
        "diagnosis": [str(data.target_names[label]) for label in data.target],
        "y_true": target.tolist(),
        "y_pred": predicted.tolist(),
    }
    (HERE / "tumours.csv").write_bytes(csv_bytes(table))


def make_breast_cancer() -> None:
    """Binary classification: probability of malignant, kept off exact 0 and 1 when rounded."""
    data = load_breast_cancer()
    malignant = (data.target == list(data.target_names).index("malignant")).astype(np.int64)
    step = 10.0**-PROBABILITY_DECIMALS
    predicted = class_probabilities(data.data, malignant)[:, 1].clip(step, 1.0 - step).round(PROBABILITY_DECIMALS)
    table = {"y_true": malignant.tolist(), "y_pred": predicted.tolist()}
    (HERE / "breast_cancer.csv").write_bytes(csv_bytes({"id": row_ids("b", len(malignant)), **table}))
    (HERE / "breast_cancer.json").write_text(json.dumps(table) + "\n", encoding="utf-8", newline="\n")


def make_wine() -> None:
    """Three classes: names and one probability column each, or integer labels and a matrix."""
    data = load_wine()
    features = data.data[:, [data.feature_names.index(name) for name in WINE_FEATURES]]
    predicted = round_rows(class_probabilities(features, data.target))
    names = [str(name) for name in data.target_names]
    table: dict[str, list[Any]] = {"y_true": [names[label] for label in data.target]}
    table |= {f"prob_{name}": column.tolist() for name, column in zip(names, predicted.T, strict=True)}
    (HERE / "wine.csv").write_bytes(csv_bytes(table))
    np.savez(HERE / "wine.npz", y_true=data.target.astype(np.int64), y_pred=predicted)


def embed_digits() -> Digits:
    """Learn an LDA projection and the class directions on one half of the digits; embed the other half."""
    data = load_digits()
    split = train_test_split(data.data, data.target, test_size=0.5, random_state=SEED, stratify=data.target)
    learn, held_out, learn_labels, labels = split
    projection = LinearDiscriminantAnalysis(n_components=DIMENSIONS).fit(learn, learn_labels)
    learned = unit_rows(projection.transform(learn))
    means = np.stack([learned[learn_labels == digit].mean(axis=0) for digit in range(10)])
    return Digits(unit_rows(projection.transform(held_out)), labels.astype(np.int64), unit_rows(means))


def draw_partner(rng: np.random.Generator, digits: Digits, row: int, same: bool, draws: int = 1) -> int:
    """Draw images of the same digit as `row`, or of another one, and keep the nearest drawn (never `row`)."""
    allowed = (digits.labels == digits.labels[row]) == same
    allowed[row] = False
    drawn = rng.choice(np.flatnonzero(allowed), size=draws, replace=False)
    distances = np.square(digits.embeddings[drawn] - digits.embeddings[row]).sum(axis=1)
    return int(drawn[distances.argmin()])


def make_triplets(digits: Digits) -> None:
    """Even rows get a random negative (mostly easy), odd rows the nearest of several (often hard)."""
    rng = np.random.default_rng(SEED)
    anchors = rng.choice(len(digits.labels), size=ROWS, replace=False)
    positives = [draw_partner(rng, digits, row, same=True) for row in anchors]
    draws = [HARD_DRAWS if number % 2 else 1 for number in range(ROWS)]
    negatives = [
        draw_partner(rng, digits, row, same=False, draws=tries) for row, tries in zip(anchors, draws, strict=True)
    ]
    np.savez(
        HERE / "digits_triplets.npz",
        anchor=digits.embeddings[anchors],
        positive=digits.embeddings[positives],
        negative=digits.embeddings[negatives],
    )


def make_pairs(digits: Digits) -> None:
    """As many pairs of the same digit as of two different ones, in random order."""
    rng = np.random.default_rng(SEED + 1)
    first = rng.choice(len(digits.labels), size=ROWS, replace=False)
    same = rng.permutation(np.arange(ROWS, dtype=np.int64) % 2)
    second = [draw_partner(rng, digits, row, bool(flag)) for row, flag in zip(first, same, strict=True)]
    np.savez(HERE / "digits_pairs.npz", y_true=same, x1=digits.embeddings[first], x2=digits.embeddings[second])


def make_embeddings(digits: Digits) -> None:
    """Labelled embeddings with the class directions to score them against."""
    rows = np.random.default_rng(SEED + 2).choice(len(digits.labels), size=ROWS, replace=False)
    np.savez(
        HERE / "digits_embeddings.npz",
        labels=digits.labels[rows],
        embeddings=digits.embeddings[rows],
        weights=digits.weights,
    )


def ink_box(image: FloatArray) -> list[float]:
    """x1, y1, x2, y2 around the dark pixels of an image, a pixel being 1 wide."""
    rows, columns = (np.flatnonzero((image >= DARK).any(axis=axis)) for axis in (1, 0))
    return [float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)]


def make_boxes() -> None:
    """Boxes around the ink of a digit, and those that a linear model tells from how dark rows and columns are."""
    data = load_digits()
    true = np.array([ink_box(image) for image in data.images])
    darkness = np.hstack([data.images.sum(axis=1), data.images.sum(axis=2)])
    folds = KFold(FOLDS, shuffle=True, random_state=SEED)
    predicted = cross_val_predict(LinearRegression(), darkness, true, cv=folds).round(VALUE_DECIMALS)
    rows = np.random.default_rng(SEED + 3).choice(len(true), size=ROWS, replace=False)
    table: dict[str, list[Any]] = {"digit": data.target[rows].tolist()}
    for side, boxes in (("true", true), ("pred", predicted)):
        table |= {f"{side}_{part}": boxes[rows, i].tolist() for i, part in enumerate(("x1", "y1", "x2", "y2"))}
    (HERE / "digits_boxes.csv").write_bytes(csv_bytes(table))


def main() -> None:
    """Write every file."""
    make_diabetes()
    make_tumours()
    make_breast_cancer()
    make_wine()
    digits = embed_digits()
    make_triplets(digits)
    make_pairs(digits)
    make_embeddings(digits)
    make_boxes()


if __name__ == "__main__":
    main()
