from tests.support.sample_project import sample

__all__ = ["sample"]
