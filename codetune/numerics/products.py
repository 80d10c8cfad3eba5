"""Float32 matrix products with the same bits on every x86-64 processor with AVX2, from any vendor.

torch uses MKL for matrix products, and MKL chooses its routines by the vendor of the processor. With
MKL_CBWR=COMPATIBLE it does not, but then it is slow, and its order of summation depends on the thread count. oneDNN,
which is part of torch too, chooses only by instruction set. Limited to AVX2, its products had the same bits on all
processors tested, with any thread count, and take about as long as MKL's (tests/numerics, tests/processors).

For a single row, oneDNN would split the sum itself among threads. With a small matrix, MKL computes such a product
instead, which is several times as fast. With MKL_CBWR=COMPATIBLE and one thread, it also had the same bits on all
processors tested. With a large matrix, oneDNN multiplies two copies of the row, so that all threads help. Products that
torch computes inside another operator still come from MKL, except attention in training (`attention`).

So a row has the same bits in every batch of two or more rows. Alone and with a small matrix, it has other bits.
"""

from __future__ import annotations

import torch

from codetune.numerics.replacing import replace
from codetune.numerics.thread_limits import run_with_threads

_LARGE = 1 << 21  # elements of a matrix; with more, two rows on all threads are faster than one row on one thread
_FEWEST_ROWS = [0]  # rows of the left matrix; with fewer, oneDNN is not used. 0: `install` has not run
_SMALL = 1 << 21  # multiplications; with fewer, to start a second thread takes about as long as it saves


def available() -> bool:
    """Return whether this build of torch includes oneDNN's matrix products."""
    return bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]


def install(fewest_rows: int = 1) -> None:
    """Make torch compute products of float32 matrices on the CPU with oneDNN, for the rest of this process.

    :param fewest_rows: rows of the left matrix; with fewer, torch's own product is used.
    """
    _FEWEST_ROWS[0] = fewest_rows
    replace({kernel.__name__: kernel for kernel in (mm, addmm, bmm, baddbmm)})


def installed() -> bool:
    """Return whether all products use oneDNN. Then texts of equal length have the same bits in a batch as alone."""
    return _FEWEST_ROWS[0] == 1


def mm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Compute `torch.mm`: the product of matrices of shape `(m, k)` and `(k, n)`."""
    if not _served(a, b):
        return torch.mm(a, b, out=a.new_empty(a.shape[0], b.shape[1]))
    return matrix_product(a, b)


def addmm(added: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: float = 1, alpha: float = 1) -> torch.Tensor:
    """Compute `torch.addmm`: `beta * added + alpha * (a @ b)`."""
    if not _served(a, b):
        out = a.new_empty(a.shape[0], b.shape[1])
        return torch.addmm(added, a, b, beta=beta, alpha=alpha, out=out)
    if alpha == beta == 1 and added.shape == b.shape[1:] and added.dtype is torch.float32:
        return _oriented(a, b, bias=added)
    return _scaled_sum(added, matrix_product(a, b), beta, alpha)


def bmm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Compute `torch.bmm`: the products of `n` pairs of matrices, of shape `(n, m, k)` and `(n, k, p)`."""
    if not _served(a, b):
        return torch.bmm(a, b, out=a.new_empty(*a.shape[:2], b.shape[2]))
    return torch.stack([matrix_product(left, right) for left, right in zip(a.unbind(), b.unbind(), strict=True)])


def baddbmm(
    added: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: float = 1, alpha: float = 1
) -> torch.Tensor:
    """Compute `torch.baddbmm`: `beta * added + alpha * (a @ b)`, for each of `n` pairs."""
    if not _served(a, b):
        out = a.new_empty(*a.shape[:2], b.shape[2])
        return torch.baddbmm(added, a, b, beta=beta, alpha=alpha, out=out)
    return _scaled_sum(added, bmm(a, b), beta, alpha)


def pack(weight: torch.Tensor, rows: int) -> torch.Tensor:
    """Reorder the weight of a linear layer once, for many products with `packed_linear`.

    Otherwise each product of few rows takes as long to reorder the weight as to multiply. The bits are the same.

    :param weight: of shape `(out, in)`.
    :param rows: the expected number of rows per product; other numbers work too.
    :returns: a copy of the weight in oneDNN's own memory format.
    """
    packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)  # noqa: SLF001
    return packed


def packed_linear(x: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Compute `torch.nn.functional.linear` with oneDNN.

    :param x: of shape `(rows, in)`.
    :param packed: the weight, from `pack` or as an ordinary tensor of shape `(out, in)`.
    :returns: the product, of shape `(rows, out)`.
    """
    threads = 1 if x.numel() * packed.shape[0] < _SMALL else torch.get_num_threads()
    linear = torch.ops.mkldnn._linear_pointwise.default  # noqa: SLF001
    product: torch.Tensor = run_with_threads(threads, linear, x, packed, bias, "none", [], "")
    return product


def _served(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Return whether oneDNN can multiply these. If the shapes do not fit, torch is called and raises the error."""
    fits = a.shape[-1] == b.shape[-2] and a.shape[:-2] == b.shape[:-2] and a.shape[-2] >= _FEWEST_ROWS[0]
    return a.dtype is torch.float32 and b.dtype is torch.float32 and fits and a.numel() > 0 and b.numel() > 0


def matrix_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return `a @ b`, for float32 matrices that are not empty."""
    # With a transposed `a` and a narrow result, as for the gradient of an adapter's weight, `(b.t() @ a.t()).t()` is
    # faster.
    if a.stride(0) == 1 and b.shape[1] < a.shape[0]:
        return _oriented(b.t(), a.t()).t()
    return _oriented(a, b)


def _oriented(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Return `a @ b`; `bias`, of shape `(n,)`, is added to each row."""
    if not (b.is_contiguous() or b.t().is_contiguous()):
        b = b.contiguous()  # with gaps between the rows, oneDNN takes a thousand times as long
    if len(a) == 1 and b.numel() > _LARGE:
        return _oriented(a.expand(2, -1), b, bias)[:1]
    if len(a) == 1:
        row: torch.Tensor = run_with_threads(1, torch.mm, a, b, out=a.new_empty(1, b.shape[1]))
        return row if bias is None else row.add_(bias)
    return packed_linear(a, b.t(), bias)


def _scaled_sum(added: torch.Tensor, product: torch.Tensor, beta: float, alpha: float) -> torch.Tensor:
    """Return `beta * added + alpha * product`; `product` is changed in place."""
    if alpha != 1:
        product.mul_(alpha)
    return product.add_(added, alpha=beta) if beta else product
