/* A certificate is warned of when it comes within 30, 7 and 1 days of its end, and at its end; once each, and
 * at the start for whatever is due then. What was said is remembered by fingerprint, so a reload that leaves
 * it where it is says nothing again. */
#include "supervisor/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "net/tls.h"
#include "net/tls_contexts.h"
#include "supervisor/watch.h"

enum { LOOK_EVERY_S = 3600, DAY_S = 86400, FINGERPRINT_SIZE = 65 };

/* What was said of a certificate last. */
struct warning {
	struct warning *next;
	char sha256[FINGERPRINT_SIZE];
	int days; /* as certificates_warning_days() */
};

struct certificates {
	struct tls_contexts now, next;
	bool used, prepared;          /* there is something in now, in next */
	struct watch *watch;          /* owned */
	struct event *look;           /* owned */
	uint64_t now_seen, next_seen; /* how the files were before they were read */
	struct warning *warnings;     /* owned */
};

/* ---- warnings ---- */

int
certificates_warning_days(int64_t left_s)
{
	static const int days[] = { 1, 7, 30 };

	if (left_s <= 0)
		return -1;
	for (size_t i = 0; i < array_len(days); i++)
		if (left_s <= (int64_t)days[i] * DAY_S)
			return days[i];
	return 0;
}

/* @return whether this is news */
static bool
note(struct certificates *c, const char *sha256, int days)
{
	struct warning *w = c->warnings;

	while (w != NULL && strcmp(w->sha256, sha256) != 0)
		w = w->next;
	if (w == NULL && days == 0)
		return false;
	if (w == NULL) {
		w = mem_new(*w);
		if (w == NULL)
			return true; /* better twice than never */
		snprintf(w->sha256, sizeof w->sha256, "%s", sha256);
		w->next = c->warnings;
		c->warnings = w;
	}
	if (w->days == days)
		return false;
	w->days = days;
	return days != 0;
}

static void
date_text(int64_t s, char text[32])
{
	time_t t = (time_t)s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void
warn_of(struct certificates *c, const struct tls_cert_info *info)
{
	int64_t left_s = info->not_after_s - clock_wall_ms() / 1000;
	int days = certificates_warning_days(left_s);
	char date[32];

	if (!note(c, info->sha256, days))
		return;
	date_text(info->not_after_s, date);
	log_warning(days < 0 ? "certificate_expired" : "certificate_expires", LOG_S("tls", info->tls),
		LOG_S("file", info->path), LOG_S("subject", info->subject), LOG_S("not_after", date),
		LOG_I("days_left", days < 0 ? 0 : left_s / DAY_S));
}

static void
each(const struct certificates *c, void (*fn)(void *arg, const struct tls_cert_info *info), void *arg)
{
	for (size_t i = 0; i < c->now.count; i++)
		for (size_t k = 0; c->now.at[i] != NULL && k < tls_context_cert_count(c->now.at[i]); k++)
			fn(arg, tls_context_cert(c->now.at[i], k));
}

static void
warn_one(void *arg, const struct tls_cert_info *info)
{
	warn_of(arg, info);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* a timer has neither */
	each(arg, warn_one, arg);
}

/* ---- watching ---- */

struct paths {
	const char **at; /* owned, the texts are the configuration's */
	size_t count, capacity;
	bool failed;
};

static void
add_path(struct paths *p, const char *path)
{
	if (path == NULL || p->failed)
		return;
	if (p->count == p->capacity) {
		size_t capacity = p->capacity != 0 ? 2 * p->capacity : 16;
		const char **grown = reallocarray(p->at, capacity, sizeof *grown);

		if (grown == NULL) {
			p->failed = true;
			return;
		}
		p->at = grown;
		p->capacity = capacity;
	}
	p->at[p->count++] = path;
}

static void
add_paths(struct paths *p, const struct cfg_tls *t)
{
	const struct cfg_texts *lists[] = { &t->client.ca, &t->client.crl, &t->server.ca, &t->ticket_keys,
		&t->ocsp };

	for (size_t i = 0; i < t->certificate_count; i++) {
		add_path(p, t->certificates[i].cert);
		add_path(p, t->certificates[i].key);
	}
	for (size_t i = 0; i < array_len(lists); i++)
		for (size_t k = 0; k < lists[i]->count; k++)
			add_path(p, lists[i]->at[k]);
}

static struct paths
watched_paths(const struct config *config)
{
	struct paths p = { 0 };

	for (size_t i = 0; i < config->tls_count; i++)
		if (config->tls[i]->watch)
			add_paths(&p, config->tls[i]);
	return p;
}

static void
watch_files(struct certificates *c)
{
	struct paths p = watched_paths(c->now.config);

	if (p.failed || watch_set(c->watch, p.at, p.count, c->now_seen) < 0)
		log_warning("watch_failed", LOG_S("error", "out of memory"),
			LOG_S("msg", "changed files take effect with the next reload only"));
	free(p.at);
}

/* ---- what is in use ---- */

int
certificates_prepare(struct certificates *c, const struct snapshot *snapshot, struct cfg_report *report)
{
	struct paths p = watched_paths(snapshot->config);
	int code;

	certificates_drop(c);
	c->next_seen = watch_look(p.at, p.count);
	free(p.at);
	code = tls_contexts_build(snapshot, c->used ? &c->now : NULL, c->used, report, &c->next);
	c->prepared = true;
	if (code < 0)
		certificates_drop(c);
	return code;
}

void
certificates_commit(struct certificates *c)
{
	if (!c->prepared)
		return;
	tls_contexts_fini(&c->now);
	c->now = c->next;
	c->now_seen = c->next_seen;
	c->next = (struct tls_contexts){ 0 };
	c->used = true;
	c->prepared = false;
	watch_files(c);
	each(c, warn_one, c);
}

void
certificates_drop(struct certificates *c)
{
	if (c->prepared)
		tls_contexts_fini(&c->next);
	c->prepared = false;
}

/* ---- telling ---- */

static void
add_row(void *arg, const struct tls_cert_info *info)
{
	json_t *rows = arg;
	char from[32], to[32];

	date_text(info->not_before_s, from);
	date_text(info->not_after_s, to);
	json_array_append_new(rows,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "tls", info->tls,
			"file", info->path, "subject", info->subject, "issuer", info->issuer, "names",
			info->names, "serial", info->serial, "sha256", info->sha256, "key", info->key,
			"not_before", from, "not_after", to, "not_after_s", (json_int_t)info->not_after_s,
			"days_left", (json_int_t)((info->not_after_s - clock_wall_ms() / 1000) / DAY_S)));
}

json_t *
certificates_rows(const struct certificates *c)
{
	json_t *rows = json_array();

	if (rows != NULL)
		each(c, add_row, rows);
	return rows;
}

/* Label values as Prometheus wants them. */
static void
add_label(struct strbuf *out, const char *name, const char *value)
{
	strbuf_printf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			strbuf_add_char(out, '\\');
		if (*value == '\n')
			strbuf_add(out, "\\n");
		else
			strbuf_add_char(out, *value);
	}
	strbuf_add_char(out, '"');
}

static void
expose_one(void *arg, const struct tls_cert_info *info)
{
	struct strbuf *out = arg;

	strbuf_add(out, "sockd_tls_certificate_not_after_seconds{");
	add_label(out, "tls", info->tls);
	strbuf_add_char(out, ',');
	add_label(out, "subject", info->subject);
	strbuf_add_char(out, ',');
	add_label(out, "serial", info->serial);
	strbuf_printf(out, "} %lld\n", (long long)info->not_after_s);
}

void
certificates_expose(const struct certificates *c, struct strbuf *out)
{
	if (c->now.count == 0)
		return;
	strbuf_add(out, "# HELP sockd_tls_certificate_not_after_seconds When a certificate in use expires, "
			"in seconds "
			"since 1970\n# TYPE sockd_tls_certificate_not_after_seconds gauge\n");
	each(c, expose_one, out);
}

/* ---- its life ---- */

int
certificates_new(struct event_base *base, void (*changed)(void *arg), void *arg, struct certificates **ret,
	struct err *e)
{
	const struct timeval every = { .tv_sec = LOOK_EVERY_S };
	struct certificates *c = mem_new(*c);
	int code;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	code = watch_new(base, changed, arg, &c->watch, e);
	c->look = event_new(base, -1, EV_PERSIST, on_look, c);
	if (code == 0 && (c->look == NULL || event_add(c->look, &every) < 0))
		code = err_set(e, -ENOMEM, "out of memory");
	if (code < 0) {
		certificates_free(c);
		return code;
	}
	*ret = c;
	return 0;
}

void
certificates_free(struct certificates *c)
{
	if (c == NULL)
		return;
	certificates_drop(c);
	tls_contexts_fini(&c->now);
	watch_free(c->watch);
	if (c->look != NULL)
		event_free(c->look);
	while (c->warnings != NULL) {
		struct warning *w = c->warnings;

		c->warnings = w->next;
		free(w);
	}
	free(c);
}
