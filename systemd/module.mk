# EXTRA_DIST += systemd/FILE
