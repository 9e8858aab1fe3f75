# sockctl, what it is made of, and what is made of its table of verbs.
core_sources += daemon/ctl/client.c daemon/ctl/client.h \
	daemon/ctl/command.c daemon/ctl/command.h \
	daemon/ctl/docs.c daemon/ctl/docs.h \
	daemon/ctl/place.c daemon/ctl/place.h \
	daemon/ctl/show.c daemon/ctl/show.h \
	daemon/ctl/table.c daemon/ctl/table.h \
	daemon/ctl/top.c daemon/ctl/top.h daemon/ctl/top_frame.c daemon/ctl/top_frame.h \
	daemon/ctl/verb.c daemon/ctl/verb.h

bin_PROGRAMS += sockctl
sockctl_SOURCES = daemon/ctl/sockctl.c
sockctl_CPPFLAGS = $(core_cppflags) $(FORTIFY_CPPFLAGS)
sockctl_LDADD = $(core_libs)

noinst_PROGRAMS += daemon/ctl/gen_docs
daemon_ctl_gen_docs_SOURCES = daemon/ctl/gen_docs.c
daemon_ctl_gen_docs_LDADD = $(core_libs)

man_MANS += daemon/ctl/sockctl.1
bashcompletion_DATA += daemon/ctl/sockctl
CLEANFILES += daemon/ctl/sockctl daemon/ctl/sockctl.1 daemon/ctl/verbs.mdoc daemon/ctl/options.mdoc
EXTRA_DIST += daemon/ctl/sockctl.1.in

daemon/ctl/sockctl.1: daemon/ctl/gen_docs$(EXEEXT) daemon/ctl/sockctl.1.in
	$(AM_V_GEN)daemon/ctl/gen_docs verbs >daemon/ctl/verbs.mdoc && \
	daemon/ctl/gen_docs options >daemon/ctl/options.mdoc && \
	$(SED) -e '/^@VERBS@/{r daemon/ctl/verbs.mdoc' -e 'd;}' -e '/^@OPTIONS@/{r daemon/ctl/options.mdoc' -e 'd;}' \
		$(srcdir)/daemon/ctl/sockctl.1.in >$@.new && mv $@.new $@

daemon/ctl/sockctl: daemon/ctl/gen_docs$(EXEEXT)
	$(AM_V_GEN)daemon/ctl/gen_docs completion >$@.new && mv $@.new $@
