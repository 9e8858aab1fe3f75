check_PROGRAMS += tests/unit/metric/test_metric
