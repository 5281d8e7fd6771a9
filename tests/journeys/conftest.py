"""Every journey is made against both profiles of the cloud."""

import pytest

from tests.practice import practising


@pytest.fixture(params=["otc", "huawei"])
def practice(request, db, settings):
    with practising(request.param, settings) as practice:
        yield practice
