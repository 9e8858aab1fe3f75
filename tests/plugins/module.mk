# A plugin's test is linked with the plugin's source and runs on the fakes; `make check` needs no daemon for it.
check_PROGRAMS += tests/plugins/test_chargen tests/plugins/test_daytime tests/plugins/test_discard tests/plugins/test_echo tests/plugins/test_echo_serve \
	tests/plugins/test_fake tests/plugins/test_fake_fibers tests/plugins/test_fake_peers tests/plugins/test_template tests/plugins/test_time
tests_plugins_test_chargen_SOURCES = tests/plugins/test_chargen.c plugins/chargen/chargen.c
tests_plugins_test_daytime_SOURCES = tests/plugins/test_daytime.c plugins/daytime/daytime.c
tests_plugins_test_discard_SOURCES = tests/plugins/test_discard.c plugins/discard/discard.c
tests_plugins_test_echo_SOURCES = tests/plugins/test_echo.c plugins/echo/echo.c
tests_plugins_test_echo_serve_SOURCES = tests/plugins/test_echo_serve.c plugins/echo-serve/echo-serve.c
tests_plugins_test_template_SOURCES = tests/plugins/test_template.c plugins/template/template.c
tests_plugins_test_time_SOURCES = tests/plugins/test_time.c plugins/time/time.c
EXTRA_DIST += tests/plugins/fake_case.h tests/plugins/fake_words.h tests/plugins/plugin_case.h
check_PROGRAMS += tests/plugins/test_kv tests/plugins/test_kv_resp tests/plugins/test_kv_store
tests_plugins_test_kv_SOURCES = tests/plugins/test_kv.c plugins/kv/kv.c $(kv_sources)
tests_plugins_test_kv_resp_SOURCES = tests/plugins/test_kv_resp.c plugins/kv/resp.c
tests_plugins_test_kv_store_SOURCES = tests/plugins/test_kv_store.c plugins/kv/store.c plugins/kv/siphash.c
check_PROGRAMS += tests/plugins/test_proxy
tests_plugins_test_proxy_SOURCES = tests/plugins/test_proxy.c plugins/proxy/proxy.c plugins/proxy/header.c plugins/proxy/sessions.c plugins/proxy/upstream.c
check_PROGRAMS += tests/plugins/test_metrics tests/plugins/test_metrics_answer
tests_plugins_test_metrics_SOURCES = tests/plugins/test_metrics.c $(metrics_sources)
tests_plugins_test_metrics_answer_SOURCES = tests/plugins/test_metrics_answer.c plugins/metrics/answer.c
check_PROGRAMS += tests/plugins/test_proxy_header
tests_plugins_test_proxy_header_SOURCES = tests/plugins/test_proxy_header.c plugins/proxy/header.c
check_PROGRAMS += tests/plugins/test_proxy_upstream
tests_plugins_test_proxy_upstream_SOURCES = tests/plugins/test_proxy_upstream.c plugins/proxy/upstream.c
check_PROGRAMS += tests/plugins/test_collect_sink
tests_plugins_test_collect_sink_SOURCES = tests/plugins/test_collect_sink.c plugins/collect/sink.c
check_PROGRAMS += tests/plugins/test_chat
tests_plugins_test_chat_SOURCES = tests/plugins/test_chat.c plugins/chat/chat.c plugins/chat/names.c
