core_sources += daemon/metric/metric.c daemon/metric/metric.h
core_sources += daemon/metric/own_metrics.c daemon/metric/own_metrics.h
