from __future__ import annotations

from codetune.history.report_files import workspace_fingerprint
from tests.support.sample_project import Project, write_reports


def test_the_fingerprint_follows_the_reports_and_nothing_else(copied_sample: Project) -> None:
    root = copied_sample.root
    first = workspace_fingerprint(root)
    (root / "README.md").write_text("# Other\n")
    assert workspace_fingerprint(root) == first
    write_reports(root, tuned=0.6)
    assert workspace_fingerprint(root) != first
