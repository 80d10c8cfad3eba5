"""Parse, tokenize and write Python code by the rules of Python 3.11, under every interpreter that codetune supports.

Grammar, tokens, docstrings and `ast.unparse` differ between Python 3.11, 3.12 and 3.13, but results must not differ. So
all code that parses, tokenizes or writes Python code for a result uses this package.
"""
