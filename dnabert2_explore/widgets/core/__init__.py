"""What every view is made of: jobs, plots, tables, inputs, and the selection they share."""
