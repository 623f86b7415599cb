"""What a test of a broken input is: one function that breaks the company, and the words that the error must say."""

from collections.abc import Callable
from typing import Any

import pytest

from crmtools import CRMError, DataError

Break = Callable[[Any], object]


class Cases(list[Any]):
    """The cases of one file, in the order in which they are written down."""

    def broken(self, *words: str, error: type[CRMError] = DataError) -> Callable[[Break], Break]:
        """A case: the function breaks a project, ``words`` must stand in the message."""

        def add(breaks: Break) -> Break:
            self.append(pytest.param(breaks, words, error, id=breaks.__name__))
            return breaks

        return add


def assert_one_clear_error(project: Any, breaks: Break, words: tuple[str, ...], error: type[CRMError]) -> None:
    """Opening fails once, says where, what and what to do, and leaves no snapshot behind."""
    (project.root / ".crmtools" / "snapshots" / "earlier").mkdir(parents=True)
    breaks(project)
    with pytest.raises(CRMError) as caught:
        project.open()
    message = str(caught.value)
    assert type(caught.value) is error
    assert [word for word in words if word not in message] == [], message
    assert project.snapshots == {"earlier"}
    assert "Traceback" not in message
    assert "None" not in message
    assert str(project.root) not in message.replace(str(project.parameters), "mine.yml"), "an absolute path"
    if problems := caught.value.problems:
        assert all(problem.place and problem.message.endswith((".", "?", "}", "]")) for problem in problems), message
        assert len({str(problem) for problem in problems}) == len(problems), "said twice"
