/* One pass over the file: for each listener its rights, for each address its transport. A failure does not
 * end the pass, so that one start tells all of them; what had been bound until then goes away with the lists
 * it stands in. */
#include "net/listen.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "net/given.h"
#include "net/passed.h"
#include "net/reuse.h"
#include "net/stored.h"
#include "net/transport.h"
#include "net/unix_rights.h"

/* What a pass carries along. */
struct pass {
	const struct config *config;
	struct net_passed *passed;
	struct cfg_report *report;
	struct net_sockets sockets;
	struct net_files *files;
	struct net_reuse *reuse;
	struct net_stored *stored;
	unsigned loops;
	bool dry;  /* only check */
	int first; /* code of the first failure, 0: none */
};

static void
note(struct pass *p, int code)
{
	if (p->first == 0)
		p->first = code;
}

static bool
is_unix(const struct cfg_address *a)
{
	return a->transport == CFG_UNIX || a->transport == CFG_UNIXGRAM;
}

static bool
needs_rights(const struct cfg_listener *l)
{
	for (size_t i = 0; i < l->address_count; i++)
		if (is_unix(&l->addresses[i]))
			return true;
	return false;
}

static int
passed_address(struct pass *p, const struct net_request *q, unsigned *transports, struct err *e)
{
	unsigned found = 0;
	int code = p->dry ? 0 : net_passed_use(p->passed, q, &found, e);

	*transports |= found;
	return code;
}

static int
own_address(const struct pass *p, const struct net_request *q, unsigned *transports, struct err *e)
{
	const struct net_transport *t = net_transport_get(q->address->transport);
	int found;

	*transports |= 1u << q->address->transport;
	if (p->dry)
		return t->check(q, e);
	found = net_reuse_take(p->reuse, q, e);
	return found != 0 ? (found < 0 ? found : 0) : t->open(q, e);
}

static void
each_address(struct pass *p, unsigned index, const struct unix_rights *rights)
{
	const struct cfg_listener *l = &p->config->listeners[index];
	unsigned transports = 0;
	bool has_passed = false, failed = false;

	for (unsigned i = 0; i < l->address_count; i++) {
		const struct net_request q = { .listener = l,
			.address = &l->addresses[i],
			.listener_index = index,
			.address_index = i,
			.loops = p->loops,
			.rights = rights,
			.report = p->report,
			.sockets = &p->sockets,
			.files = p->files,
			.reuse = p->reuse,
			.stored = p->stored };
		bool is_passed = q.address->transport == CFG_PASSED;
		struct err e = { 0 };
		int code;

		if (rights == NULL && is_unix(q.address))
			continue; /* told before */
		code = is_passed ? passed_address(p, &q, &transports, &e)
				 : own_address(p, &q, &transports, &e);
		has_passed |= is_passed;
		failed |= code < 0;
		if (code < 0) {
			cfg_report_error(p->report, &q.address->place, "listener '%s': %s", l->name, e.text);
			note(p, code);
		}
	}
	if (has_passed && !failed && !p->dry)
		note(p, given_check(l, transports, p->report));
}

static void
each_listener(struct pass *p)
{
	for (unsigned i = 0; i < p->config->listener_count; i++) {
		const struct cfg_listener *l = &p->config->listeners[i];
		struct unix_rights rights;
		int code = needs_rights(l) ? unix_rights_resolve(l, p->report, &rights) : -ENOENT;

		if (needs_rights(l))
			note(p, code);
		each_address(p, i, code == 0 ? &rights : NULL);
	}
}

/* All that @p p says, or nothing. */
static int
pass_run(struct pass *p, struct snapshot *snapshot, struct net_files **ret_files)
{
	assert(snapshot->socket_count == 0 && snapshot->sockets == NULL);
	p->files = net_files_new();
	if (p->files == NULL)
		return cfg_report_no_memory(p->report);
	net_passed_reset(p->passed);
	each_listener(p);
	if (p->first == 0 && p->stored != NULL && net_stored_commit(p->stored, p->files) < 0)
		note(p, cfg_report_no_memory(p->report));
	if (p->first < 0) {
		net_files_remove(p->files);
		net_sockets_fini(&p->sockets);
		return p->first;
	}
	net_passed_warn_unused(p->passed, p->report);
	snapshot->sockets = p->sockets.items;
	snapshot->socket_count = p->sockets.count;
	*ret_files = p->files;
	return 0;
}

int
net_listen_next(const struct config *config, unsigned loops, struct net_passed *passed,
	struct net_reuse *reuse, struct cfg_report *report, struct snapshot *snapshot,
	struct net_files **ret_files)
{
	struct pass p = {
		.config = config, .passed = passed, .report = report, .loops = loops, .reuse = reuse
	};

	return pass_run(&p, snapshot, ret_files);
}

int
net_listen_all(const struct config *config, unsigned loops, struct net_passed *passed,
	struct net_stored *stored, struct cfg_report *report, struct snapshot *snapshot,
	struct net_files **ret_files)
{
	struct pass p = {
		.config = config, .passed = passed, .report = report, .loops = loops, .stored = stored
	};

	return pass_run(&p, snapshot, ret_files);
}

int
net_check_all(const struct config *config, struct cfg_report *report)
{
	struct pass p = { .config = config, .report = report, .loops = 1, .dry = true };

	each_listener(&p);
	return p.first;
}
