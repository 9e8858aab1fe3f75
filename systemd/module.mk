# Units, with the paths of this installation in them. Configure says where they go, or that they do not.
systemd_units = systemd/sockd.service systemd/sockd@.service
systemd_examples = systemd/examples/sockd-activated.service

if INSTALL_UNITS
nodist_systemdsystemunit_DATA = $(systemd_units)
endif
systemdexamplesdir = $(docdir)/examples/systemd
dist_systemdexamples_DATA = systemd/examples/sockd-activated.yaml \
	systemd/examples/sockd-activated-tcp.socket systemd/examples/sockd-activated-udp.socket \
	systemd/examples/sockd-activated-unix.socket systemd/examples/sockd-activated-unixgram.socket
nodist_systemdexamples_DATA = $(systemd_examples)
CLEANFILES += $(systemd_units) $(systemd_examples)
EXTRA_DIST += systemd/sockd.service.in systemd/sockd@.service.in systemd/examples/sockd-activated.service.in \
	systemd/sysusers.conf systemd/tmpfiles.conf

$(systemd_units) $(systemd_examples): %: %.in
	$(AM_V_GEN)$(MKDIR_P) systemd/examples && \
	$(SED) -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' $< >$@.new && mv $@.new $@
