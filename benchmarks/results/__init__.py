"""Results of benchmarks: schema, intervals, comparison, reports."""
