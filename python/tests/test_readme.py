import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_ten_lines_run(capsys: pytest.CaptureFixture[str]) -> None:
    first = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert first is not None
    exec(first[1], {})
    out = capsys.readouterr().out
    assert out.startswith("2 is 0 again: 0.846\n<resemblance.Clusters: 3 documents = 2 kept + 1 removed, 1 clusters; lsh")
