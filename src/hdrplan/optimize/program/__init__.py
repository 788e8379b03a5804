"""The linear program of one set of goals: columns, rows, requirements."""
