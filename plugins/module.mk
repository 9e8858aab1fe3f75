# One line a folder; Makefile.am says what three lines a plugin needs.
include plugins/chargen/module.mk
include plugins/chat/module.mk
include plugins/collect/module.mk
include plugins/daytime/module.mk
include plugins/discard/module.mk
include plugins/echo-serve/module.mk
include plugins/echo/module.mk
include plugins/exec/module.mk
include plugins/kv/module.mk
include plugins/metrics/module.mk
include plugins/proxy/module.mk
include plugins/template/module.mk
include plugins/time/module.mk
EXTRA_DIST += plugins/README.md plugins/small_service.h

# A page of the manual for each plugin: prose from its manual.mdoc, the settings from the plugin itself, the example from
# conf/examples.
plugin_pages = plugins/chargen/sockd-chargen.7 plugins/chat/sockd-chat.7 plugins/collect/sockd-collect.7 \
	plugins/daytime/sockd-daytime.7 plugins/discard/sockd-discard.7 plugins/echo/sockd-echo.7 \
	plugins/echo-serve/sockd-echo-serve.7 plugins/exec/sockd-exec.7 plugins/kv/sockd-kv.7 \
	plugins/metrics/sockd-metrics.7 plugins/proxy/sockd-proxy.7 plugins/time/sockd-time.7
plugin_prose = plugins/chargen/manual.mdoc plugins/chat/manual.mdoc plugins/collect/manual.mdoc \
	plugins/daytime/manual.mdoc plugins/discard/manual.mdoc plugins/echo/manual.mdoc plugins/echo-serve/manual.mdoc \
	plugins/exec/manual.mdoc plugins/kv/manual.mdoc plugins/metrics/manual.mdoc plugins/proxy/manual.mdoc \
	plugins/time/manual.mdoc
man_MANS += $(plugin_pages)
CLEANFILES += $(plugin_pages)
EXTRA_DIST += $(plugin_prose)

$(plugin_pages): stage-plugins/.stamp daemon/plugin/gen_page$(EXEEXT) $(plugin_prose) $(example_files)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && name=$(@F) && name=$${name#sockd-} && name=$${name%.7} && \
		example=$(srcdir)/conf/examples/$$name.yaml && { test -f $$example || example=$(srcdir)/conf/examples/small-services.yaml; } && \
		daemon/plugin/gen_page$(EXEEXT) stage-plugins/$$name.so $(srcdir)/plugins/$$name/manual.mdoc $$example >$@.new && \
		mv $@.new $@
