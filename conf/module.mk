example_files = conf/examples/chat.yaml conf/examples/collect.yaml conf/examples/demo.yaml conf/examples/exec.yaml \
	conf/examples/kv.yaml conf/examples/metrics.yaml conf/examples/proxy.yaml conf/examples/small-services.yaml
EXTRA_DIST += conf/sockd.yaml $(example_files)

# For editors: what --print-schema says.
pkgdata_DATA = conf/sockd.schema.json
CLEANFILES += conf/sockd.schema.json

conf/sockd.schema.json: sockd$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) conf && ./sockd --print-schema >$@.new && mv $@.new $@
