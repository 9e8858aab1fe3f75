# One line a folder; each lists its own files.
include tests/support/module.mk
include tests/unit/base/module.mk
include tests/unit/metric/module.mk
include tests/unit/config/module.mk
include tests/unit/net/module.mk
include tests/unit/guard/module.mk
include tests/unit/control/module.mk
include tests/unit/plugin/module.mk
include tests/unit/engine/module.mk
include tests/unit/worker/module.mk
include tests/unit/supervisor/module.mk
include tests/unit/ctl/module.mk
include tests/unit/run/module.mk
include tests/plugins/module.mk
include tests/system/module.mk
include tests/abi/module.mk
include tests/fuzz/module.mk
include tests/bench/module.mk
include tests/lint/module.mk

EXTRA_DIST += tests/run
