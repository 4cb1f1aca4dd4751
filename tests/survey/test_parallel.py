# SPDX-License-Identifier: MIT
"""Many small things on several cores."""

import pytest

from cowpath.survey.parallel import Processes, each


def inverse(number: int) -> float:
    return 1 / number


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_order_and_as_they_come(jobs: int) -> None:
    answers = each(inverse, [4, 2, 0], Processes(jobs))
    assert [next(answers), next(answers)] == [0.25, 0.5]


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_error_ends_it(jobs: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(each(inverse, [1, 0, 2], Processes(jobs)))
