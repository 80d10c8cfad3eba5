"""Paraphrase instructions with nlpaug and the project's own phrase table, without changing what carries meaning."""
