# SPDX-License-Identifier: MIT
"""Many small things on several cores."""

import pytest

from cowpath.survey.parallel import each


def inverse(number: int) -> float:
    return 1 / number


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_order_and_each_is_told(jobs: int) -> None:
    told: list[int] = []
    assert each(inverse, [4, 2, 1], jobs, told.append) == [0.25, 0.5, 1.0]
    assert told == [4, 2, 1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_error_ends_it(jobs: int) -> None:
    with pytest.raises(ZeroDivisionError):
        each(inverse, [1, 0, 2], jobs)
