"""Schemas of all tables that stages exchange. Every row is checked when it is read and when it is written."""
