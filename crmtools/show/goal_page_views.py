"""Where the pages of the goals are in the book."""

from crmtools.tables.source import Data


def goal_pages(data: Data) -> dict[str, str]:
    """The page of every goal by the goal's id, as a link from another page of the same edition; empty where none is made."""
    # the plan of a report reads notebooks: only pages that link to goals wait for that
    from crmtools.report.plan import goal_slugs

    return {name: f"{slug}.html" for name, slug in goal_slugs(data.settings).items()}
