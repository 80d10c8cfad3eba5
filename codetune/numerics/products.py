"""Float32 matrix products with the same bits on every x86-64 processor with AVX2, whoever made it.

MKL, which torch takes its products from, chooses its routines by the vendor of the processor. Where it is told not to
(MKL_CBWR=COMPATIBLE) it is slow, and adds up in an order that depends on the number of threads. oneDNN, which torch
brings too, chooses by instruction set alone. Held to AVX2, its products had the same bits on all that was tried, with
any number of threads, and take about as long as MKL's own (tests/numerics, tests/processors).

Of a single row, oneDNN would share the sum itself out to threads. With a matrix that is not large MKL computes it,
several times as fast: told not to choose by vendor, and on one thread, it had the same bits on all that was tried as
well. With a large one the row gets a twin, so that all threads help. What torch computes inside of one operator comes
from MKL too, but for attention in training (`attention`).

So in company of any number a row has the same bits; alone, with a matrix that is not large, it has others.
"""

from __future__ import annotations

import torch

from codetune.numerics.replacing import replace
from codetune.numerics.sharing import held_to

_LARGE = 1 << 21  # elements of a matrix: with more, several threads are done with two rows sooner than one with one
_FEWEST_ROWS = [0]  # of the left matrix, with which oneDNN is asked; 0: it was never installed
_SMALL = 1 << 21  # multiplications: of fewer, a second thread takes about as long to come as it saves


def available() -> bool:
    """Whether this build of torch brings oneDNN's products."""
    return bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]


def install(fewest_rows: int = 1) -> None:
    """Have products of float32 matrices on the processor computed by oneDNN, for as long as the process lasts.

    :param fewest_rows: with fewer, torch's own are left at work.
    """
    _FEWEST_ROWS[0] = fewest_rows
    replace({kernel.__name__: kernel for kernel in (mm, addmm, bmm, baddbmm)})


def installed() -> bool:
    """Whether all products come from oneDNN: then texts of one length have the same bits together as alone."""
    return _FEWEST_ROWS[0] == 1


def mm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`torch.mm`: the product of matrices of shape `(m, k)` and `(k, n)`."""
    if not _served(a, b):
        return torch.mm(a, b, out=a.new_empty(a.shape[0], b.shape[1]))
    return matrix_product(a, b)


def addmm(added: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: float = 1, alpha: float = 1) -> torch.Tensor:
    """`torch.addmm`: `beta * added + alpha * (a @ b)`."""
    if not _served(a, b):
        out = a.new_empty(a.shape[0], b.shape[1])
        return torch.addmm(added, a, b, beta=beta, alpha=alpha, out=out)
    if alpha == beta == 1 and added.shape == b.shape[1:] and added.dtype is torch.float32:
        return _oriented(a, b, bias=added)
    return _scaled_sum(added, matrix_product(a, b), beta, alpha)


def bmm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`torch.bmm`: the products of `n` pairs of matrices, of shape `(n, m, k)` and `(n, k, p)`."""
    if not _served(a, b):
        return torch.bmm(a, b, out=a.new_empty(*a.shape[:2], b.shape[2]))
    return torch.stack([matrix_product(left, right) for left, right in zip(a.unbind(), b.unbind(), strict=True)])


def baddbmm(
    added: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: float = 1, alpha: float = 1
) -> torch.Tensor:
    """`torch.baddbmm`: `beta * added + alpha * (a @ b)`, for each of `n` pairs."""
    if not _served(a, b):
        out = a.new_empty(*a.shape[:2], b.shape[2])
        return torch.baddbmm(added, a, b, beta=beta, alpha=alpha, out=out)
    return _scaled_sum(added, bmm(a, b), beta, alpha)


def pack(weight: torch.Tensor, rows: int) -> torch.Tensor:
    """The weight of a linear layer, of shape `(out, in)`, laid out once for many products: a copy for `packed_linear`.

    Without, each product of few rows spends as long on laying it out as on multiplying. The bits are the same.

    :param rows: how many are multiplied at a time, about; the copy takes others too.
    """
    packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)  # noqa: SLF001
    return packed


def packed_linear(x: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """What `torch.nn.functional.linear` gives of `x`, of shape `(rows, in)`; the weight is packed, or as it is."""
    threads = 1 if x.numel() * packed.shape[0] < _SMALL else torch.get_num_threads()
    linear = torch.ops.mkldnn._linear_pointwise.default  # noqa: SLF001
    product: torch.Tensor = held_to(threads, linear, x, packed, bias, "none", [], "")
    return product


def _served(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether oneDNN takes these; shapes that do not fit are left to torch, which says so."""
    fits = a.shape[-1] == b.shape[-2] and a.shape[:-2] == b.shape[:-2] and a.shape[-2] >= _FEWEST_ROWS[0]
    return a.dtype is torch.float32 and b.dtype is torch.float32 and fits and a.numel() > 0 and b.numel() > 0


def matrix_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`a @ b`, for matrices that oneDNN takes."""
    # A narrow result of a transposed matrix, as the gradient of an adapter's weight is, is faster the other way round.
    if a.stride(0) == 1 and b.shape[1] < a.shape[0]:
        return _oriented(b.t(), a.t()).t()
    return _oriented(a, b)


def _oriented(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """The product, and with `bias`, of shape `(n,)`, that added to each row."""
    if not (b.is_contiguous() or b.t().is_contiguous()):
        b = b.contiguous()  # oneDNN takes a thousand times as long where there are gaps between the rows
    if len(a) == 1 and b.numel() > _LARGE:
        return _oriented(a.expand(2, -1), b, bias)[:1]
    if len(a) == 1:
        row: torch.Tensor = held_to(1, torch.mm, a, b, out=a.new_empty(1, b.shape[1]))
        return row if bias is None else row.add_(bias)
    return packed_linear(a, b.t(), bias)


def _scaled_sum(added: torch.Tensor, product: torch.Tensor, beta: float, alpha: float) -> torch.Tensor:
    """`beta * added + alpha * product`, in the memory of `product`."""
    if alpha != 1:
        product.mul_(alpha)
    return product.add_(added, alpha=beta) if beta else product
