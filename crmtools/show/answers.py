"""The answer in sentences, as the first thing a page says."""

from html import escape

from crmtools.estimate import Estimate
from crmtools.goals.reading import Reading
from crmtools.show import sentences
from crmtools.show.display import Display, tag
from crmtools.words import Language


def answer(
    estimate: Estimate,
    *,
    previous: Estimate | None = None,
    year_ago: Estimate | None = None,
    reading: Reading | None = None,
    language: Language = "en",
    currency: str = "",
) -> Display:
    """Where the indicator stands with its interval, how that compares with earlier periods, and where its goal is.

    Says so where the figure is not mature or the data end early. Says "higher" or "lower" only where the intervals support it. Carries the estimates as its result.
    """
    first = sentences.stated(estimate, language, currency)
    earlier = [then for then in (previous, year_ago) if then is not None]
    rest = [sentences.ripening(estimate, language)]
    rest += [sentences.compared(estimate, then, language, currency) for then in earlier]
    if reading is not None:
        rest.append(sentences.aimed(reading, language, currency))
    rest = [text for text in rest if text]
    gap = "" if language == "zh" else " "
    html = tag("p", gap.join([tag("b", escape(first)), *map(escape, rest)]), class_="crm-lead")
    return Display(html, gap.join([first, *rest]), results(estimate, *earlier))


def results(*estimates: Estimate) -> dict[str, object]:
    """Estimates as the result of a display."""
    return {"kind": "estimates", "estimates": [estimate.to_dict() for estimate in estimates]}
