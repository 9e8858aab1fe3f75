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
EXTRA_DIST += plugins/README.md
