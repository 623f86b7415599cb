"""The pages about schedules name what there is, in both languages."""

import re

from crmtools.cli import main
from crmtools.schedule.recipes import SCHEDULERS


def test_both_languages_name_the_same_commands(project_root):
    english, chinese = (
        (project_root / "docs" / name).read_text("utf-8") for name in ("scheduling.md", "scheduling.zh-CN.md")
    )
    assert english.count("\n## ") == chinese.count("\n## ")
    for text in (english, chinese):
        assert re.findall(r"^\| `([\w-]+)` \|", text, flags=re.M) == list(SCHEDULERS)
        assert re.findall(r"^\| (\d) \|", text, flags=re.M) == ["0", "1", "2", "3"]
        named = set(re.findall(r"crmtools ([a-z]+) ", text))
        assert {"report", "schedule", "alerts", "verify"} == named <= set(main.commands)
        assert set(re.findall(r"(?<!-)--[a-z][a-z-]+", text)) == {"--catch-up", "--print", "--at", "--send"}
