"""What a person looks at: figures, tables, pages. The only matplotlib. Knows results, not how they were computed."""

from hdrplan.report.tables import dvh_table, goal_text, metrics_table

__all__ = ["dvh_table", "goal_text", "metrics_table"]
