dist_man_MANS += daemon/man/sockd.8
man_MANS += daemon/man/sockd.yaml.5
CLEANFILES += daemon/man/sockd.yaml.5 daemon/man/keys.mdoc
EXTRA_DIST += daemon/man/sockd.yaml.5.in

# The section of keys comes from the rows that the parser reads by.
daemon/man/sockd.yaml.5: daemon/config/gen_man$(EXEEXT) daemon/man/sockd.yaml.5.in
	$(AM_V_GEN)$(MKDIR_P) daemon/man && daemon/config/gen_man >daemon/man/keys.mdoc && \
	$(SED) -e '/^@KEYS@/{r daemon/man/keys.mdoc' -e 'd;}' -e 's|@sysconfdir[@]|$(sysconfdir)|' \
		$(srcdir)/daemon/man/sockd.yaml.5.in >$@.new && mv $@.new $@
dist_man_MANS += daemon/man/sockd-plugin.7

# A page a header of the plugin interface, made from its comments, and the name of each function as another name of it.
function_pages = daemon/man/sockd_conn.3 daemon/man/sockd_host.3 daemon/man/sockd_io.3 daemon/man/sockd_settings.3 \
	daemon/man/sockd_testing.3
functions_awk = $(srcdir)/daemon/man/functions.awk
man_MANS += $(function_pages)
CLEANFILES += $(function_pages)
EXTRA_DIST += daemon/man/functions.awk

$(function_pages): $(functions_awk) $(sockdinclude_HEADERS)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && header=$@ && header=$${header##*/sockd_} && \
		$(AWK) -f $(functions_awk) $(srcdir)/include/sockd/$${header%.3}.h > $@.tmp && mv $@.tmp $@

install-function-names:
	@$(MKDIR_P) "$(DESTDIR)$(man3dir)"
	@for page in $(function_pages); do \
		page=$${page##*/}; header=$${page#sockd_}; header=$${header%.3}; \
		for name in `$(AWK) -v names=1 -f $(functions_awk) $(srcdir)/include/sockd/$$header.h`; do \
			test "$$name.3" = "$$page" || ln -sf "$$page" "$(DESTDIR)$(man3dir)/$$name.3" || exit 1; \
		done; \
	done

uninstall-function-names:
	@for header in conn host io settings testing; do \
		for name in `$(AWK) -v names=1 -f $(functions_awk) $(srcdir)/include/sockd/$$header.h`; do \
			rm -f "$(DESTDIR)$(man3dir)/$$name.3"; \
		done; \
	done

.PHONY: install-function-names uninstall-function-names
