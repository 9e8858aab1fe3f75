core_sources += daemon/metric/metric.c daemon/metric/metric.h
