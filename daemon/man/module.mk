dist_man_MANS += daemon/man/sockd.8
