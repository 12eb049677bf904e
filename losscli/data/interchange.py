"""Values of other libraries as NumPy arrays and Arrow tables: masked arrays, tensors, Arrow streams, nested lists.

Nothing here imports these libraries: an object tells what it is by its methods.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.coded_text import CodedText
from losscli.data.named_columns import columns_of_dataset, columns_of_records, is_data_array, is_dataset
from losscli.data.table import MAX_EXACT_INTEGER
from losscli.data.values import is_null, shorten
from losscli.errors import DataError
from losscli.messages import Hint

TENSOR_STEPS = ("to_dense", "resolve_conj", "resolve_neg", "float")
"""Methods of a tensor that make it readable, in the order of trying: `float` is for bfloat16 and smaller types."""


def load_lazy(value: Any) -> Any:
    """Return the rows of a lazy frame; anything else as it is.

    Raises:
        DataError: The query of the frame fails.
    """
    kind = type(value)
    if not (hasattr(kind, "collect_schema") and hasattr(kind, "collect") and hasattr(kind, "lazy")):
        return value
    try:
        rows = value.collect()
    except Exception as error:
        raise DataError(f"a {kind.__name__} cannot be collected: {_text_of_error(error)}") from error
    return rows


def is_pandas(value: Any) -> bool:
    """Return whether a value is a DataFrame, a Series or an Index of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series, pandas.Index))


def is_arrow(value: Any) -> bool:
    """Return whether a value hands its rows over by Arrow's interface. pandas and xarray are read without."""
    kind = type(value)
    has_interface = hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__arrow_c_array__")
    return has_interface and not (is_pandas(value) or is_data_array(value))


def import_arrow(value: Any, name: str) -> Any:
    """Return what is handed over by Arrow's interface: a `pyarrow.Table`, or a `pyarrow.ChunkedArray` for one column.

    Raises:
        DataError: The rows cannot be had; a stream that was read before is empty.
    """
    import pyarrow as pa

    if isinstance(value, pa.Table):
        return value
    try:
        if isinstance(value, pa.ChunkedArray):
            found = value
        elif hasattr(type(value), "__arrow_c_stream__"):
            try:
                return pa.table(value)
            except pa.ArrowInvalid:  # its rows are no structs
                found = pa.chunked_array(value)
        else:
            found = pa.chunked_array([pa.array(value)])
        return pa.Table.from_struct_array(found) if pa.types.is_struct(found.type) else found
    except Exception as error:
        raise DataError(f"{name}: cannot read {type(value).__name__}: {_text_of_error(error)}") from error


def arrow_to_array(values: Any, name: str) -> NDArray[Any]:
    """Return an Arrow column (N,), or the columns of an Arrow table (N, C), as an array."""
    import pyarrow as pa

    from losscli.data.arrow import column_of, to_numpy

    if isinstance(values, pa.Table):
        return side_by_side([arrow_to_array(column, name) for column in values.columns], name)
    kind = column_of(pa.field(name, values.type)).kind
    array: NDArray[Any] = to_numpy(values, kind, "", name, 0)
    return array


def import_array(value: Any, name: str) -> NDArray[Any]:
    """Return a value as an array; `name` is what messages call it.

    Masked values become NaN, or None where values are no numbers. Tensors are detached and copied to the host. Lists of
    one length become rows of a matrix; one that is missing becomes a row of NaN.

    Raises:
        DataError: The value is no array, or rows have other shapes than the first.
    """
    if type(value) is not np.ndarray:
        value = _import(value, name)
    if value.dtype.kind == "V" and value.dtype.names is None and value.dtype.type is not np.void:
        return np.asarray(value, dtype=np.float64)  # bfloat16 and its like, which are NumPy's by extension
    if value.dtype.kind == "O" and value.ndim == 1 and is_row(next((v for v in value if not _is_missing(v)), None)):
        return _stack_rows(value, name)
    return np.asarray(value)


def coded_text_of(value: Any) -> CodedText | None:
    """Return the texts of a Series of pandas by codes, None if it is none or does not hold text alone."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(value, pandas.Series):
        return None
    type_ = value.dtype.categories.dtype if isinstance(value.dtype, pandas.CategoricalDtype) else value.dtype
    if not isinstance(type_, pandas.StringDtype):
        return None
    codes, names = value.factorize()
    return CodedText.of(codes, [name or None for name in names])


def side_by_side(columns: Sequence[NDArray[Any]], name: str) -> NDArray[Any]:
    """Return columns (N,) as (N, C); one column of vectors as it is.

    Raises:
        DataError: There is no column, or one of several holds vectors.
    """
    if len(columns) == 1 and columns[0].ndim > 1:
        return columns[0]
    if not columns or any(column.ndim > 1 for column in columns):
        raise DataError(f"{name} {'holds vectors beside other columns' if columns else 'is a frame without columns'}")
    return np.stack(columns, axis=1)


def materialize(value: Any, name: str) -> Any:
    """Return what can be read more than once: a lazy frame's rows, an Arrow stream as a table or a column.

    A list of dicts becomes columns, and so does a Dataset of xarray.

    Raises:
        DataError: It cannot be read.
    """
    if type(value) is np.ndarray:
        return value
    if is_dataset(value):
        return columns_of_dataset(value, name)
    records = columns_of_records(value, name, dicts_only=True)
    if records is not None:
        return records
    value = load_lazy(value)
    return import_arrow(value, name) if is_arrow(value) else value


def _import(value: Any, name: str) -> NDArray[Any]:
    """Return an array of something else."""
    if _is_masked(value):
        return _fill_masked(value)
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if hasattr(type(value), "__cuda_array_interface__") and not _is_tensor(value) and hasattr(value, "get"):
        value = value.get()  # CuPy copies to the host only if it is asked to
    if _is_tensor(value):
        return _read_tensor(value, name)
    if is_arrow(value):
        return arrow_to_array(import_arrow(value, name), name)
    if isinstance(value, (list, tuple)) and value and (_is_tensor(value[0]) or _is_masked(value[0])):
        return _stack_rows(value, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of masked elements in lists, which become NaN
            array = np.asarray(value)
    except Exception as error:
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            return _stack_rows(value, name)  # lists of different lengths, or objects that NumPy cannot read
        raise DataError(f"{name}: cannot read {type(value).__name__}: {_text_of_error(error)}") from error
    if array.ndim == 0 and array.dtype.kind in "OUST":
        if hasattr(type(value), "__dlpack__"):
            return np.asarray(np.from_dlpack(value))
        raise DataError(_explain_scalar(value, name))
    return array


def _explain_scalar(value: Any, name: str) -> str:
    """Return why a value that NumPy takes for one object is no array."""
    kind = type(value).__name__
    if value is None:
        return f"{name} is None, not an array of rows"
    if isinstance(value, (str, bytes)):
        return f"{name} is the text {shorten(value)}, not an array of rows"
    if isinstance(value, (set, frozenset)):
        return f"{name} is a {kind}, which has no order; rows are an array or a list"
    if isinstance(value, Mapping):
        return f"{name} is a {kind}; rows are an array or a list, such as list({name}.values())"
    if hasattr(type(value), "toarray"):
        return f"{name} is a {kind}; {name}.toarray() makes an array of it"
    if isinstance(value, Iterable):
        return f"{name} is a {kind}; rows are an array or a list, such as list({name})"
    return f"{name} is of type {kind}, not an array of rows"


def _is_masked(value: Any) -> bool:
    """Return whether a value is a masked array."""
    masked = sys.modules.get("numpy.ma")  # which NumPy imports when it is first used
    return masked is not None and isinstance(value, masked.MaskedArray)


def _fill_masked(value: Any) -> NDArray[Any]:
    """Return a masked array with NaN, NaT or None for what is masked."""
    data, mask = value.data, np.ma.getmaskarray(value)
    if data.dtype.names is not None or not mask.any():
        return np.asarray(data)
    is_exact = data.dtype.kind not in "iu" or data.dtype.itemsize < 8 or not (np.abs(data) > MAX_EXACT_INTEGER).any()
    if data.dtype.kind in "fiub" and is_exact:
        filled = data.astype(np.float64)
        filled[mask] = np.nan
    elif data.dtype.kind in "mM":
        filled = data.copy()
        filled[mask] = np.array("NaT", dtype=data.dtype)
    else:
        filled = data.astype(object)
        filled[mask] = None
    return np.asarray(filled)


def _is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor such as PyTorch's."""
    return hasattr(type(value), "detach") and hasattr(type(value), "cpu")


def _read_tensor(tensor: Any, name: str) -> NDArray[Any]:
    """Return a tensor's values, whatever its gradient, device, layout and type."""
    described = f"{type(tensor).__name__} of {getattr(tensor, 'dtype', 'unknown type')}"
    try:
        tensor = tensor.detach().cpu()
    except Exception as error:
        raise DataError(f"{name}: cannot read {described}: {_text_of_error(error)}") from error
    failure: Exception | None = None
    for step in ("", *TENSOR_STEPS):
        if step == "float" and "complex" in described:
            break
        try:
            tensor = getattr(tensor, step)() if step else tensor
            return np.asarray(tensor.numpy() if hasattr(tensor, "numpy") else tensor)
        except Exception as error:  # what is raised depends on the library
            failure = failure or error
    raise DataError(f"{name}: cannot read {described}: {_text_of_error(failure)}") from failure


def is_row(value: Any) -> bool:
    """Return whether a cell holds several values: a list, an array, a tensor."""
    if isinstance(value, (list, tuple)) or is_pandas(value):
        return True
    is_array = hasattr(type(value), "__array__") and not isinstance(value, np.generic)
    return is_array and getattr(value, "ndim", 1) > 0


def _is_missing(value: Any) -> bool:
    return is_null(value) or (isinstance(value, float) and value != value)


def _stack_rows(rows: Iterable[Any], name: str) -> NDArray[Any]:
    """Return rows of one shape as an array (N, ...); a row that is missing is NaN, or None among text.

    Raises:
        DataError: A row has another shape than the first; the message has its number.
    """
    arrays: list[NDArray[Any] | None] = []
    first: tuple[int, ...] | None = None
    for number, row in enumerate(rows, 1):
        if _is_missing(row):
            arrays.append(None)
            continue
        try:
            array = import_array(row, name) if is_row(row) or _is_tensor(row) else np.asarray(row)
        except DataError as error:
            if error.message.hint is not Hint.PAD_ROWS:
                raise
            raise DataError(f"{name}, row {number}: lists of different lengths", Hint.PAD_ROWS) from None
        first = array.shape if first is None else first
        if array.shape != first:
            raise DataError(f"{name}, row {number}: shape {array.shape}, the first has {first}", Hint.PAD_ROWS)
        arrays.append(array)
    present = [array for array in arrays if array is not None]
    if len(present) == len(arrays):
        return np.stack(present)
    is_number = all(array.dtype.kind in "fiub" for array in present)
    filler = np.full(first or (), np.nan if is_number else None, dtype=np.float64 if is_number else object)
    return np.stack([filler if array is None else array for array in arrays])


def _text_of_error(error: BaseException | None) -> str:
    """Return the first line of an error's text, or its kind if it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
