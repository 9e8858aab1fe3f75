EXTRA_DIST += conf/sockd.yaml conf/examples/demo.yaml conf/examples/metrics.yaml conf/examples/small-services.yaml

# For editors: what --print-schema says.
pkgdata_DATA = conf/sockd.schema.json
CLEANFILES += conf/sockd.schema.json

conf/sockd.schema.json: sockd$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) conf && ./sockd --print-schema >$@.new && mv $@.new $@
