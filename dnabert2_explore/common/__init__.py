"""What every floor stands on: files, folders, threads, progress, costs, names, numbers."""
