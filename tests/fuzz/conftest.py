from tests.sample_project import sample

__all__ = ["sample"]
