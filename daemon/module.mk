# One line a folder; each lists its own files.
include daemon/base/module.mk
include daemon/metric/module.mk
include daemon/config/module.mk
include daemon/net/module.mk
include daemon/guard/module.mk
include daemon/control/module.mk
include daemon/plugin/module.mk
include daemon/engine/module.mk
include daemon/worker/module.mk
include daemon/supervisor/module.mk
include daemon/ctl/module.mk
include daemon/run/module.mk
include daemon/man/module.mk
