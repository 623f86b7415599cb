"""What a notebook calls to show something. Everything returned shows itself in JupyterLab and in the published book."""

from typing import TYPE_CHECKING

from crmtools.on_demand import on_demand

if TYPE_CHECKING:
    from crmtools.show import plots
    from crmtools.show.answers import answer
    from crmtools.show.card_views import card, cards
    from crmtools.show.cohort_maps import cohort_cells, cohort_map
    from crmtools.show.cohort_views import cohort_answer, cohort_curve
    from crmtools.show.definitions import definition
    from crmtools.show.display import Display
    from crmtools.show.driver_views import drivers
    from crmtools.show.fan import goal_fan
    from crmtools.show.figures import figure
    from crmtools.show.goal_answers import goal_answer
    from crmtools.show.goal_page_views import goal_pages
    from crmtools.show.goal_part_views import goal_parts
    from crmtools.show.goal_views import gaps, not_computable, notes, paths
    from crmtools.show.groups import breakdown, breakdown_table, breakdowns
    from crmtools.show.headlines import headline
    from crmtools.show.last_report import since_last
    from crmtools.show.lifetime_checks import lifetime_check, lifetime_tracking
    from crmtools.show.lifetime_fit import lifetime_parameters
    from crmtools.show.lifetime_history_views import lifetime_alive, lifetime_histories
    from crmtools.show.lifetime_models import lifetime_choice, lifetime_frequencies, lifetime_trust
    from crmtools.show.lifetime_views import lifetime_answer, lifetime_counts, lifetime_value
    from crmtools.show.product_waterfalls import product_waterfall
    from crmtools.show.quality import door, filled
    from crmtools.show.readiness_views import ready
    from crmtools.show.record_views import track_record
    from crmtools.show.rfm_move_views import rfm_moves, rfm_next
    from crmtools.show.rfm_views import rfm_answer, rfm_bands, rfm_segments
    from crmtools.show.score_views import scores
    from crmtools.show.scorecards import scorecard
    from crmtools.show.smart_views import smart
    from crmtools.show.stress_views import stress
    from crmtools.show.survival_views import contract_survival
    from crmtools.show.tables import table
    from crmtools.show.trends import trend
    from crmtools.show.waterfall import gap_waterfall
    from crmtools.shown import speak

__getattr__, __dir__ = on_demand(__name__)

__all__ = [
    "Display",
    "answer",
    "breakdown",
    "breakdown_table",
    "breakdowns",
    "card",
    "cards",
    "cohort_answer",
    "cohort_cells",
    "cohort_curve",
    "cohort_map",
    "contract_survival",
    "definition",
    "door",
    "drivers",
    "figure",
    "filled",
    "gap_waterfall",
    "gaps",
    "goal_answer",
    "goal_fan",
    "goal_pages",
    "goal_parts",
    "headline",
    "lifetime_alive",
    "lifetime_answer",
    "lifetime_check",
    "lifetime_choice",
    "lifetime_counts",
    "lifetime_frequencies",
    "lifetime_histories",
    "lifetime_parameters",
    "lifetime_tracking",
    "lifetime_trust",
    "lifetime_value",
    "not_computable",
    "notes",
    "paths",
    "plots",
    "product_waterfall",
    "ready",
    "rfm_answer",
    "rfm_bands",
    "rfm_moves",
    "rfm_next",
    "rfm_segments",
    "scorecard",
    "scores",
    "since_last",
    "smart",
    "speak",
    "stress",
    "table",
    "track_record",
    "trend",
]
