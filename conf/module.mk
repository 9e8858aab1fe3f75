EXTRA_DIST += conf/sockd.yaml conf/examples/demo.yaml conf/examples/small-services.yaml
