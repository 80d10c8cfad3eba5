"""Check whether a person who has only the instruction can write the function.

Even a self-contained function may use objects of its package (`graph.nodes`) or dictionaries with certain keys
(`row["prod_id"]`). Only these facts about a parameter count as known: the attributes of builtin types, the types that
its annotation names, and what the docstring mentions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from codetune.data.clean.instruction import parameters
from codetune.data.clean.reasons import Drop
from codetune.python_source.functions import FunctionNode
from codetune.python_source.self_contained import Incomplete, Module, SelfContained
from codetune.python_source.standard_library import STANDARD_LIBRARY
from codetune.python_source.tree import parse_tree

# Attributes of builtin types and of standard library types for plain values: text, numbers, dates, paths, patterns,
# files and functions. A fixed list, because the attributes differ between Python versions.
_KNOWN_ATTRIBUTES_WORDS = """
absolute add add_note adjusted append appendleft as_integer_ratio as_posix as_tuple as_uri astimezone bit_count
bit_length c_contiguous canonical capitalize casefold cast center characters_written chmod clear close closed
combine compare compare_signal compare_total compare_total_mag conjugate contiguous copy copy_abs copy_negate
copy_sign count ctime cwd date day days decode default_factory denominator detach difference difference_update
discard dst elements encode encoding end endpos endswith errno errors exists exp expand expandtabs expanduser extend
extendleft f_contiguous fileno find findall finditer flags flush fma fold format format_map from_bytes from_decimal
from_float fromhex fromisocalendar fromisoformat fromkeys fromordinal fromtimestamp fromutc fullmatch get getbuffer
getvalue gi_code gi_frame gi_running gi_suspended gi_yieldfrom glob group groupdict groupindex groups hardlink_to
hex home hour imag index indices insert intersection intersection_update is_absolute is_block_device is_canonical
is_char_device is_dir is_fifo is_file is_finite is_infinite is_integer is_mount is_nan is_normal is_qnan
is_relative_to is_reserved is_signed is_snan is_socket is_subnormal is_symlink is_zero isalnum isalpha isascii
isatty isdecimal isdigit isdisjoint isidentifier islower isnumeric isocalendar isoformat isoweekday isprintable
isspace issubset issuperset istitle isupper items itemsize iterdir join joinpath keys lastgroup lastindex lchmod
limit_denominator link_to ljust ln log10 logb logical_and logical_invert logical_or logical_xor lower lstat lstrip
maketrans match max max_mag maxlen microsecond microseconds min min_mag minute mkdir month most_common move_to_end
mro nbytes ndim newlines next_minus next_plus next_toward normalize now number_class numerator open owner partition
parts pattern pop popitem popleft pos quantize radix re read read1 read_bytes read_text readable readinto readinto1
readline readlines readlink readonly real reconfigure regs relative_to release remainder_near remove removeprefix
removesuffix rename replace resolution resolve reverse rfind rglob rindex rjust rmdir rotate rpartition rsplit
rstrip same_quantum samefile scaleb scanner search second seconds seek seekable send setdefault shape shift sort
span split splitlines sqrt startswith stat stem strerror strftime strides strip strptime sub subn suboffsets
subtract suffix suffixes swapcase symlink_to symmetric_difference symmetric_difference_update tell throw time
timestamp timetuple timetz title to_bytes to_eng_string to_integral to_integral_exact to_integral_value tobytes
today tolist toordinal toreadonly total total_seconds touch translate truncate tzinfo tzname union unlink update
upper utcfromtimestamp utcnow utcoffset utctimetuple values weekday with_name with_stem with_suffix with_traceback
writable write write_bytes write_text write_through writelines year zfill __class__ __dict__ __doc__ __name__
__module__ __qualname__ __iter__ __len__ __next__ __getitem__ __setitem__ __delitem__ __contains__ __call__ __eq__
__hash__ __repr__ __str__ __wrapped__ __annotations__ __code__ __defaults__ __kwdefaults__ __mro__ __bases__
__subclasses__ __self__ __func__ __init__ __new__ __getattribute__ __traceback__ __cause__ __context__ __bool__
__int__ __float__ __index__ __add__ __mul__ __lt__ __le__ __gt__ __ge__ __enter__ __exit__ __copy__ __deepcopy__
__slots__ __get__ __set__ _asdict _fields _make _replace
"""
KNOWN_ATTRIBUTES = frozenset(_KNOWN_ATTRIBUTES_WORDS.split())
_NUMPY_ATTRIBUTES_WORDS = """
T all any argmax argmin argsort astype clip compress conj cumprod cumsum diagonal dot dtype fill flat flatten
item max mean min nonzero prod ravel repeat reshape round searchsorted size squeeze std sum swapaxes take trace
transpose var view
"""
# Attributes of objects from packages that `clean.packages` may name.
_PACKAGE_ATTRIBUTES = {"numpy": frozenset(_NUMPY_ATTRIBUTES_WORDS.split())}
_PASSES_ON = frozenset(
    {"getattr", "sorted", "list", "reversed", "iter", "next", "enumerate", "zip", "min", "max", "set", "tuple"}
)
# Names of plain or general types in annotations. They do not show which attributes of a class may be used.
_PLAIN_TYPES_WORDS = """
Any AnyStr Collection Container Generic Hashable Iterable Iterator Mapping MutableMapping MutableSequence Optional
Sequence Sized Union bool bytearray bytes complex dict float frozenset int list object set str tuple Dict FrozenSet
List Set Tuple None typing collections abc t
"""
_PLAIN_TYPES = frozenset(_PLAIN_TYPES_WORDS.split())


@lru_cache(maxsize=2)
def read_module(text: str, packages: tuple[str, ...]) -> Module | None:
    """Parse a module so that functions can be extracted from it.

    :param text: source of the module.
    :param packages: import names of allowed packages besides the standard library.
    :returns: the module, or None if it cannot be parsed.
    """
    try:
        return Module(text, packages)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def self_contained_function(row: dict[str, Any], module: Module) -> SelfContained | Drop:
    """Extract a function with the imports, helpers and constants that it needs.

    :param row: a raw row; only `start_line` is read.
    :param module: the module that contains the function.
    :returns: the self-contained function, or a drop with the reason why it cannot be made self-contained.
    """
    whole = module.function(int(row["start_line"]))
    return Drop(whole.reason, found=whole.found) if isinstance(whole, Incomplete) else whole


def foreign_drop(node: FunctionNode, whole: SelfContained, docstring: str) -> Drop | None:
    """Drop a row whose function uses an attribute or key of a parameter that cannot be known.

    :param node: the function.
    :param whole: the function with what it needs.
    :param docstring: its docstring; an attribute or key that it mentions is known.
    :returns: the drop, or None if every attribute and key is known.
    """
    # If the docstring mentions the parameter `func`, this does not mean that an attribute `node.func` exists.
    told = set(re.findall(r"\w+", docstring)) - {node.name, *(name.lstrip("*") for name in parameters(node))}
    tree = parse_tree(whole.code)
    defined = _defined(tree).union(*(_PACKAGE_ATTRIBUTES.get(name, ()) for name in packages_of(whole)))
    for name in sorted({each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)} - defined):
        if name.startswith("_") and name not in KNOWN_ATTRIBUTES:
            return Drop("foreign_object", found=name)
    for function in (each for each in tree.body if isinstance(each, FunctionNode)):
        for name, key in _asked_of(function):
            known = told if key else told | defined | KNOWN_ATTRIBUTES
            if name not in known and not set(re.findall(r"\w+", name)) <= told:
                return Drop("unknown_key" if key else "foreign_object", found=name)
    return None


def packages_of(whole: SelfContained) -> list[str]:
    """Return the top-level names of the packages that an answer imports besides the standard library, sorted."""
    statements = [each for line in whole.imports for each in parse_tree(line).body]
    names = {each.module or "" for each in statements if isinstance(each, ast.ImportFrom)}
    names |= {alias.name for each in statements if isinstance(each, ast.Import) for alias in each.names}
    return sorted({name.split(".")[0] for name in names} - STANDARD_LIBRARY)


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that an answer gives to attributes of its own objects."""
    found: set[str] = set()
    for each in ast.walk(tree):
        if isinstance(each, ast.ClassDef):
            found |= {each.name, *(inner.name for inner in each.body if isinstance(inner, FunctionNode))}
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
        elif isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and _root(each.value) == "self":
            found.add(each.attr)
    # The fields of named tuples and the names in `__slots__`.
    values = [statement.value for statement in tree.body if isinstance(statement, ast.Assign)]
    texts = [constant_text(each) for value in values for each in ast.walk(value) if isinstance(each, ast.expr)]
    return found.union(re.findall(r"\w+", " ".join(texts)))


def _asked_of(node: FunctionNode) -> Iterator[tuple[str, bool]]:
    """Yield each attribute and key that a function reads from its parameters or their parts, with True for a key."""
    given = _given(node)
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and _root(each.value) in given:
            yield each.attr, False
            if each.attr in ("get", "pop", "setdefault") and (key := _first_text(each, node)):
                yield key, True
        elif isinstance(each, ast.Subscript) and _root(each.value) in given and (key := constant_text(each.slice)):
            yield key, True


def _first_text(method: ast.Attribute, node: FunctionNode) -> str:
    """Return the first argument of a method call if it is a string constant, else the empty string."""
    calls = (each for each in ast.walk(node) if isinstance(each, ast.Call) and each.func is method)
    return next((constant_text(call.args[0]) for call in calls if call.args), "")


def constant_text(node: ast.expr) -> str:
    """Return the value of a string constant, or the empty string for any other expression."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _given(node: FunctionNode) -> set[str]:
    """Return the parameters whose type is not known, and the variables that hold parts of them."""
    # Include the parameters of inner functions: their values come from outside as well.
    inside = [each.args for each in ast.walk(node) if isinstance(each, FunctionNode)]
    found = {
        arg.arg
        for args in inside
        for arg in ast.walk(args)
        if isinstance(arg, ast.arg) and not _is_told(arg.annotation)
    }
    size = -1
    while size != len(found):
        size = len(found)
        for each in ast.walk(node):
            if isinstance(each, ast.For | ast.AsyncFor | ast.comprehension) and _root(each.iter) in found:
                found |= _stored(each.target)
            elif isinstance(each, ast.Assign) and _root(each.value) in found:
                found |= {name for target in each.targets for name in _stored(target)}
    return found


def _is_told(annotation: ast.expr | None) -> bool:
    """Return whether an annotation names a type beyond the plain ones."""
    names = {each.id if isinstance(each, ast.Name) else each.attr for each in ast.walk(annotation or ast.Pass())
             if isinstance(each, ast.Name | ast.Attribute)}  # fmt: skip
    return not names <= _PLAIN_TYPES


def _stored(target: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(target) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _root(node: ast.expr) -> str:
    """Return the variable at the start of a chain of attributes, items and method calls, or the empty string."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _PASSES_ON and node.args
        ):
            node = node.args[0]
        else:
            return node.id if isinstance(node, ast.Name) else ""
