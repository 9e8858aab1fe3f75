dist_man_MANS += daemon/man/sockd.8
man_MANS += daemon/man/sockd.yaml.5
CLEANFILES += daemon/man/sockd.yaml.5 daemon/man/keys.mdoc
EXTRA_DIST += daemon/man/sockd.yaml.5.in

# The section of keys comes from the rows that the parser reads by.
daemon/man/sockd.yaml.5: daemon/config/gen_man$(EXEEXT) daemon/man/sockd.yaml.5.in
	$(AM_V_GEN)$(MKDIR_P) daemon/man && daemon/config/gen_man >daemon/man/keys.mdoc && \
	$(SED) -e '/^@KEYS@/{r daemon/man/keys.mdoc' -e 'd;}' -e 's|@sysconfdir[@]|$(sysconfdir)|' \
		$(srcdir)/daemon/man/sockd.yaml.5.in >$@.new && mv $@.new $@
