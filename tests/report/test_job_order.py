"""The order in which the notebooks of a report are begun: what takes long or is shared first, and no answer is worked out twice."""

import pytest
from small_report import ROOT

from crmtools.indicators import CATALOGUE
from crmtools.parameters import load
from crmtools.report import numbers
from crmtools.report.plan import plan
from crmtools.sums import gathers
from crmtools.tables.source import open_settings


@pytest.fixture(scope="module")
def begun():
    settings = load(ROOT / "parameters" / "tiny.yml")
    data = open_settings(settings)
    made = plan(settings, data, notebooks=ROOT / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("gather", "scorecard", "judgements"):  # what is asked in between makes no difference to the order
            patch.setattr(numbers, name, lambda *asked: None)
        patch.setattr(numbers, "SHARED", {name: lambda data: None for name in numbers.SHARED})
        return made, [*numbers.ready_jobs(made, data, numbers.Numbers())]


def test_every_notebook_is_begun_once_and_one_language_after_the_other(begun):
    made, jobs = begun
    assert sorted((job.slug, job.language) for job in jobs) == sorted((job.slug, job.language) for job in made.jobs)
    languages = [job.language for job in jobs]
    assert languages == sorted(languages, key=made.settings.report.languages.index)


def test_long_chapters_begin_before_short_ones_and_come_last_in_other_languages(begun):
    """Or the second language asks what the first is still working out."""
    _, jobs = begun
    first, other = ([job.slug for job in jobs if job.language == language] for language in ("en", "zh"))
    assert {*other[-2:]} == {"smart", "track_record"}
    rest = [slug for slug in first if slug == "index" or slug.startswith("goal")]
    assert rest
    assert max(first.index("smart"), first.index("track_record")) < min(map(first.index, rest))


def test_indicators_whose_sums_are_gathered_wait_for_those_that_have_none(begun):
    _, jobs = begun
    own = [gathers(CATALOGUE[job.indicator]) for job in jobs if job.indicator and job.language == "en" and not job.goal]
    assert own == sorted(own)
    assert {*own} == {True, False}
