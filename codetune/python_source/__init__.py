"""Python code as data, read by the rules of Python 3.11 under every interpreter that codetune runs on.

Grammar, tokens, docstrings and the way a tree is written differ between Python 3.11, 3.12 and 3.13. What is measured on
code must not: everything that parses, cuts up or writes code for a result does it by this package.
"""
