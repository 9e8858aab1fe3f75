plugin_LTLIBRARIES += plugins/metrics/metrics.la
metrics_sources = plugins/metrics/metrics.c plugins/metrics/answer.c plugins/metrics/answer.h plugins/metrics/ask.c \
	plugins/metrics/ask.h plugins/metrics/http.c plugins/metrics/http.h
plugins_metrics_metrics_la_SOURCES = $(metrics_sources)
plugins_metrics_metrics_la_CPPFLAGS = $(plugin_cppflags)
plugins_metrics_metrics_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/metrics/README.md
