"""Paraphrasing instructions with nlpaug and the project's own phrase table, without touching what carries meaning."""
