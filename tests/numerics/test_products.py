"""Products by oneDNN: as exact as torch's, the same for any number of threads, and only where they fit."""

import pytest
import torch
from torch.profiler import profile

from codetune.numerics import products, replacing

SHAPES = [(1, 1, 1), (2, 3, 5), (7, 64, 16), (33, 192, 512), (16, 301, 192), (512, 130, 16), (142, 64, 142)]
FORMS = {
    "as they are": lambda a, b: (a, b),
    "left transposed": lambda a, b: (a.t().contiguous().t(), b),
    "right transposed": lambda a, b: (a, b.t().contiguous().t()),
    "parts of larger ones": lambda a, b: (torch.cat([a, a], 1)[:, : a.shape[1]], torch.cat([b, b])[: b.shape[0]]),
}


def matrices(*shapes):
    generator = torch.Generator().manual_seed(7)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def operators(computation):
    """The names of the operators that torch runs."""
    with profile() as seen:
        computation()
    return {event.key for event in seen.key_averages()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_as_exact_as_float32_allows(shape, form):
    m, k, n = shape
    a, b = FORMS[form](*matrices((m, k), (k, n)))
    [added] = matrices((m, n))
    exact = a.double() @ b.double()
    tolerance = {"rtol": 1e-5, "atol": 1e-5 * k**0.5}
    torch.testing.assert_close(a @ b, exact.float(), **tolerance)
    torch.testing.assert_close(torch.addmm(added, a, b), (exact + added).float(), **tolerance)
    torch.testing.assert_close(
        torch.addmm(added, a, b, beta=0.5, alpha=-2), (0.5 * added - 2 * exact).float(), **tolerance
    )
    torch.testing.assert_close(torch.addmm(added[0], a, b), (exact + added[0]).float(), **tolerance)
    torch.testing.assert_close(torch.addmm(added[:, :1], a, b), (exact + added[:, :1]).float(), **tolerance)


def test_products_of_several_pairs_are_those_of_each():
    a, b, added = matrices((3, 5, 7), (3, 7, 4), (3, 5, 4))
    for index, product in enumerate(torch.bmm(a, b)):
        assert torch.equal(product, a[index] @ b[index])
    torch.testing.assert_close(torch.baddbmm(added, a, b, beta=2, alpha=3), 2 * added + 3 * torch.bmm(a, b))
    torch.testing.assert_close(torch.baddbmm(added * torch.nan, a, b, beta=0), torch.bmm(a, b))


def test_all_float32_products_of_a_layer_and_its_gradients_come_from_onednn():
    layer = torch.nn.Linear(8, 4)
    [x] = matrices((2, 3, 8))
    x.requires_grad_()
    seen = operators(lambda: (layer(x) @ layer(x).transpose(1, 2)).sum().backward())
    assert {"mkldnn::_linear_pointwise", "aten::mm", "aten::bmm"} <= seen


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "shape", [*SHAPES, (8, 1136, 1), (1, 4000, 64), (192, 9000, 1), (1, 4000, 1), (64, 9000, 16), (1, 192, 12_000)]
)
def test_any_number_of_threads_gives_the_same_bits(same_bits, shape, form):
    m, k, n = shape
    a, b = FORMS[form](*matrices((m, k), (k, n)))
    same_bits(lambda: (a @ b, b.t() @ a.t()))


def test_a_row_has_the_same_bits_in_any_company():
    a, b = matrices((40, 192), (192, 512))
    whole = a @ b
    for rows in (2, 3, 8, 17):
        assert torch.equal(a[:rows] @ b, whole[:rows])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("columns", "by_onednn"), [(512, False), (12_000, True)])
def test_a_single_row_is_left_to_mkl_unless_the_matrix_is_large(threads, form, columns, by_onednn):
    threads(2)
    [bias] = matrices((columns,))
    a, b = FORMS[form](*matrices((1, 192), (192, columns)))
    assert ("mkldnn::_linear_pointwise" in operators(lambda: torch.addmm(bias, a, b))) == by_onednn
    torch.testing.assert_close(torch.addmm(bias, a, b), torch.addmm(bias, a.expand(2, -1), b)[:1], rtol=1e-5, atol=1e-4)
    assert torch.get_num_threads() == 2


@pytest.fixture
def kernel_threads(monkeypatch):
    """How many threads each product that oneDNN computes may take, in order."""
    seen = []
    linear = torch.ops.mkldnn._linear_pointwise.default

    def recording(*arguments):
        seen.append(torch.get_num_threads())
        return linear(*arguments)

    monkeypatch.setattr(torch.ops.mkldnn._linear_pointwise, "default", recording)
    return seen


@pytest.mark.parametrize(
    ("shape", "taken"), [((2, 3, 5), 1), ((100, 100, 100), 1), ((200, 384, 200), 3), ((9000, 192, 64), 3)]
)
def test_small_products_run_on_one_thread(threads, kernel_threads, shape, taken):
    m, k, n = shape
    a, b = matrices((m, k), (k, n))
    threads(3)
    torch.mm(a, b)
    torch.addmm(torch.ones(n), a, b)
    torch.bmm(a[None].expand(2, -1, -1), b[None].expand(2, -1, -1))
    assert kernel_threads == [taken] * 4
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("shape", [*SHAPES, (100, 384, 100), (32, 192, 512), (2000, 192, 16), (1000, 16, 192)])
def test_a_product_has_the_same_bits_whether_it_counts_as_small_or_not(monkeypatch, threads, shape):
    m, k, n = shape
    a, b = matrices((m, k), (k, n))
    found = []
    for small in (0, 1 << 40):
        monkeypatch.setattr(products, "_SMALL", small)
        for number in (1, 2, 3, 8):
            threads(number)
            found.append(torch.addmm(torch.ones(n), a, b))
    assert all(torch.equal(found[0], other) for other in found[1:])


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.int64])
def test_other_kinds_of_numbers_are_left_to_torch(kind):
    a = torch.arange(6).reshape(2, 3).to(kind)
    b = torch.arange(12).reshape(3, 4).to(kind)
    expected = torch.tensor([[20, 23, 26, 29], [56, 68, 80, 92]])
    assert torch.equal((a @ b).long(), expected)
    assert torch.equal(torch.bmm(a[None], b[None])[0].long(), expected)
    assert torch.equal(torch.addmm(expected.to(kind), a, b).long(), 2 * expected)
    assert torch.equal(torch.baddbmm(expected.to(kind)[None], a[None], b[None])[0].long(), 2 * expected)
    assert "mkldnn::_linear_pointwise" not in operators(lambda: a @ b)


def test_matrices_without_elements_give_what_torch_gives():
    empty = torch.empty
    assert (empty(0, 3) @ empty(3, 2)).shape == (0, 2)
    assert torch.equal(empty(2, 0) @ empty(0, 2), torch.zeros(2, 2))
    assert torch.equal(torch.addmm(torch.ones(2), empty(2, 0), empty(0, 2)), torch.ones(2, 2))
    assert torch.bmm(empty(0, 2, 3), empty(0, 3, 4)).shape == (0, 2, 4)


def test_shapes_that_do_not_fit_are_refused_in_torch_s_words():
    with pytest.raises(RuntimeError, match="2x3 and 4x5"):
        torch.zeros(2, 3) @ torch.zeros(4, 5)
    with pytest.raises(RuntimeError, match="batch2"):
        torch.bmm(torch.zeros(2, 2, 3), torch.zeros(3, 3, 4))


def test_installing_twice_changes_nothing():
    before = dict(replacing._KEPT)
    products.install()
    assert {"mm", "addmm", "bmm", "baddbmm"} <= before.keys()
    assert before == replacing._KEPT
