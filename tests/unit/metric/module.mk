check_PROGRAMS += tests/unit/metric/test_metric
check_PROGRAMS += tests/unit/metric/test_own_metrics
