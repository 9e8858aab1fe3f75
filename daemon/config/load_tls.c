/* Each map of TLS settings becomes one struct, and later one context, however many listeners use it. What can
 * be told from the file alone is told here; what takes OpenSSL or the files that a map names is told when its
 * context is built. */
#include "config/load_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "config/bind.h"
#include "config/key.h"
#include "config/value.h"

/* A protocol's length is one byte on the wire, and that of their list two. */
enum { ALPN_NAME_MAX = 255, ALPN_LIST_MAX = 65535, FINGERPRINT_DIGITS = 64 };

static void
check_versions(const struct cfg_tls *t, struct cfg_report *report)
{
	if (t->min_version > t->max_version)
		cfg_report_error(report, &t->max_version_place,
			"'max_version' is older than 'min_version': no client could connect");
	if (t->ciphers != NULL && t->min_version > 0x0303)
		cfg_report_warning(report, &t->ciphers_place,
			"'ciphers' is for TLS 1.2, which 'min_version' leaves out; TLS 1.3 has "
			"'ciphersuites'");
	if (t->ciphersuites != NULL && t->max_version < 0x0304)
		cfg_report_warning(report, &t->ciphersuites_place,
			"'ciphersuites' is for TLS 1.3, which 'max_version' leaves out; TLS 1.2 has "
			"'ciphers'");
}

static void
check_alpn(const struct cfg_tls *t, struct cfg_report *report)
{
	size_t total = 0;

	for (size_t i = 0; i < t->alpn.count; i++) {
		size_t size = strlen(t->alpn.at[i]);

		total += size + 1;
		if (size == 0 || size > ALPN_NAME_MAX)
			cfg_report_error(report, &t->alpn_place,
				"'alpn': '%.40s%s' has %zu bytes; a protocol's name has 1 to %d",
				t->alpn.at[i], size > 40 ? "..." : "", size, ALPN_NAME_MAX);
	}
	if (total > ALPN_LIST_MAX)
		cfg_report_error(report, &t->alpn_place,
			"'alpn' takes %zu bytes on the wire, more than the %d that it may; name fewer", total,
			ALPN_LIST_MAX);
}

static bool
is_fingerprint(const char *text)
{
	size_t digits = 0;

	for (; *text != '\0'; text++) {
		if (*text == ':' && digits % 2 == 0)
			continue;
		if (strchr("0123456789abcdefABCDEF", *text) == NULL)
			return false;
		digits++;
	}
	return digits == FINGERPRINT_DIGITS;
}

static void
check_client(const struct cfg_tls *t, struct cfg_report *report)
{
	bool identified = t->client.ca.count > 0 || t->client.allow_fingerprint.count > 0;

	for (size_t i = 0; i < t->client.allow_fingerprint.count; i++)
		if (!is_fingerprint(t->client.allow_fingerprint.at[i]))
			cfg_report_error(report, &t->client.fingerprint_place,
				"'client.allow_fingerprint': '%.80s' is no SHA-256 fingerprint; write the %d "
				"hexadecimal digits that `openssl x509 -noout -fingerprint -sha256 -in FILE` "
				"prints",
				t->client.allow_fingerprint.at[i], FINGERPRINT_DIGITS);
	for (size_t i = 0; i < t->client.allow_san.count; i++)
		if (t->client.allow_san.at[i][0] == '\0')
			cfg_report_error(report, &t->client.san_place, "'client.allow_san': a name is empty");
	if (t->client.verify == CFG_VERIFY_NONE &&
		(identified || t->client.crl.count > 0 || t->client.allow_san.count > 0))
		cfg_report_error(report,
			t->client.verify_place.file != NULL ? &t->client.verify_place : &t->place,
			"'client.verify' is none, so nothing else under 'client' has a meaning; write "
			"'verify: required' or 'verify: optional'");
	if (t->client.verify != CFG_VERIFY_NONE && !identified)
		cfg_report_error(report, &t->client.verify_place,
			"'client.verify' needs 'client.ca', or 'client.allow_fingerprint', to know by what");
	if (t->client.crl.count > 0 && t->client.ca.count == 0)
		cfg_report_error(
			report, &t->client.crl_place, "'client.crl' has no meaning without 'client.ca'");
}

static void
check_tls(const struct cfg_tls *t, struct cfg_report *report)
{
	check_versions(t, report);
	check_alpn(t, report);
	check_client(t, report);
	if (t->ticket_keys.count > 0 && !t->session_tickets)
		cfg_report_error(report, &t->ticket_keys_place,
			"'ticket_keys' has no meaning with 'session_tickets: false'");
}

/* Bind a map to a struct of its own. */
static int
load_map(struct config_whole *w, const struct cfg_node *map, struct bind *b, struct cfg_tls **ret)
{
	struct cfg_tls *t = arena_alloc(&w->arena, sizeof *t);
	size_t errors = b->report->errors;
	int r;

	if (t == NULL || b->title == NULL)
		return cfg_report_no_memory(b->report);
	b->arena = &w->arena;
	b->table = &key_table_tls;
	b->target = t;
	t->place = map->place;
	r = bind_start(b);
	t->origins = b->origins;
	if (r == 0)
		r = bind_map(b, map);
	if (r == 0 && b->report->errors == errors)
		check_tls(t, b->report);
	*ret = t;
	return r;
}

static void
add(struct config *c, struct cfg_tls *t)
{
	t->index = c->tls_count;
	c->tls[c->tls_count++] = t;
}

int
load_tls(struct config_whole *w, const struct cfg_node *map, const struct cfg_node *listeners,
	struct cfg_report *report)
{
	size_t count = map != NULL ? map->count : 0;

	w->config.tls = arena_array(
		&w->arena, count + (listeners != NULL ? listeners->count : 0), sizeof(struct cfg_tls *));
	if (w->config.tls == NULL)
		return cfg_report_no_memory(report);
	for (size_t i = 0; i < count; i++) {
		const struct cfg_pair *pair = &map->pairs[i];
		struct bind b = { .report = report,
			.title = arena_printf(&w->arena, "tls '%.70s'", pair->key),
			.is_defaults = true };
		struct cfg_tls *t;
		int r = load_map(w, pair->value, &b, &t);

		if (r < 0)
			return r;
		load_check_name(pair, "a tls map", report);
		t->name = pair->key;
		t->named = true;
		t->place = pair->key_place;
		add(&w->config, t);
	}
	w->config.tls_named_count = count;
	return 0;
}

static const struct cfg_tls *
find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->tls_named_count; i++)
		if (strcmp(c->tls[i]->name, name) == 0)
			return c->tls[i];
	return NULL;
}

const struct cfg_tls *
tls_find_or_tell(const struct config *c, const char *name, const char *key, const struct cfg_place *place,
	struct cfg_report *report)
{
	const struct cfg_tls *t = find(c, name);
	const char *names[64] = { 0 }, *nearest;
	size_t count = 0;

	if (t != NULL)
		return t;
	for (size_t i = 0; i < c->tls_named_count && count < array_len(names); i++)
		names[count++] = c->tls[i]->name;
	nearest = parse_nearest(name, names, count);
	cfg_report_error(report, place, "'%s': there is no '%.70s' under 'tls:' at the top%s%s%s", key, name,
		nearest != NULL ? "; did you mean '"
		: count > 0     ? ""
				: ", nor any other entry",
		nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
	return NULL;
}

/* A map in a listener: settings of its own, or the name of others and when TLS begins. */
static int
load_inline(struct config_whole *w, struct cfg_listener *l, struct cfg_report *report)
{
	struct bind b = { .report = report,
		.title = arena_printf(&w->arena, "'tls' of listener '%.70s'", l->name) };
	const struct cfg_node *map = l->tls.node;
	struct cfg_tls *t;
	int r = load_map(w, map, &b, &t);

	if (r < 0)
		return r;
	l->tls.by_handler = t->by_handler;
	if (t->use == NULL) {
		t->name = l->name;
		l->tls.tls = t;
		add(&w->config, t);
		return 0;
	}
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->pairs[i].key, "use") != 0 && strcmp(map->pairs[i].key, "start") != 0)
			cfg_report_error(report, &map->pairs[i].key_place,
				"'%.40s' belongs to tls '%.70s' itself; beside 'use' stands only 'start'",
				map->pairs[i].key, t->use);
	l->tls.tls = tls_find_or_tell(&w->config, t->use, "tls", &t->use_place, report);
	return 0;
}

/* On datagrams it would silently stay plain. */
static void
check_listener(const struct cfg_listener *l, unsigned transports, struct cfg_report *report)
{
	const struct cfg_place *place = &l->tls.node->place;

	for (size_t i = 0; (transports & KEY_ON_DATAGRAMS) != 0 && i < l->address_count; i++)
		if (cfg_transport_is_datagram(l->addresses[i].transport))
			cfg_report_error(report, place,
				"'tls' does not apply to %s; give datagrams a listener of their own",
				l->addresses[i].url);
	if (l->tls.tls != NULL && l->tls.tls->certificate_count == 0)
		cfg_report_error(report, place,
			"tls '%.70s' has no 'certificates', which a listener needs; add 'certificates: "
			"[{cert: "
			"site.crt, key: site.key}]'",
			l->tls.tls->name);
}

int
load_tls_use(struct config_whole *w, struct cfg_listener *l, unsigned transports, struct cfg_report *report)
{
	const struct cfg_node *node = l->tls.node;
	size_t errors = report->errors;
	int r = 0;

	if (node == NULL || node->faulty)
		return 0;
	if (node->kind == CFG_MAP)
		r = load_inline(w, l, report);
	else
		l->tls.tls = tls_find_or_tell(&w->config, node->text, "tls", &node->place, report);
	if (r == 0 && report->errors == errors)
		check_listener(l, transports, report);
	return r;
}

/* ---- the files ---- */

char *
tls_folder_pattern(const char *folder)
{
	char *pattern = malloc(2 * strlen(folder) + sizeof "/*"), *at = pattern;

	if (pattern == NULL)
		return NULL;
	for (; *folder != '\0'; folder++) {
		if (strchr("*?[\\", *folder) != NULL)
			*at++ = '\\';
		*at++ = *folder;
	}
	memcpy(at, "/*", sizeof "/*");
	return pattern;
}

const char *
tls_system_bundle(const struct cfg_source *source)
{
	const char *named = source->lookup(source->arg, "SSL_CERT_FILE");

	return named != NULL && *named != '\0' ? named : "/etc/ssl/certs/ca-certificates.crt";
}

static int
ask_file(const struct cfg_source *source, const char *path)
{
	char *bytes = NULL;
	size_t size = 0;
	int code = path != NULL ? source->read(source->arg, path, TLS_FILE_MAX, &bytes, &size) : 0;

	if (bytes != NULL)
		explicit_bzero(bytes, size);
	free(bytes);
	return code;
}

static int
ask_folder(const struct cfg_source *source, const char *folder)
{
	auto_of(mem) char *pattern = tls_folder_pattern(folder);
	char **paths = NULL;
	size_t count = 0;
	int code = pattern != NULL ? source->expand(source->arg, pattern, &paths, &count) : -ENOMEM;

	if (code < 0)
		return code;
	for (size_t i = 0; i < count && code != -ENOMEM; i++)
		code = ask_file(source, paths[i]);
	cfg_source_free_paths(paths, count);
	return code;
}

static int
ask_paths(const struct cfg_source *source, const struct cfg_texts *paths)
{
	int code = 0;

	for (size_t i = 0; i < paths->count && code != -ENOMEM; i++) {
		code = ask_file(source, paths->at[i]);
		if (code == -EISDIR)
			code = ask_folder(source, paths->at[i]);
	}
	return code;
}

static int
ask_certificates(const struct cfg_source *source, const struct cfg_tls *t)
{
	int code = 0;

	for (size_t i = 0; i < t->certificate_count && code != -ENOMEM; i++) {
		const struct cfg_certificate *c = &t->certificates[i];

		code = ask_file(source, c->cert);
		if (code != -ENOMEM)
			code = ask_file(source, c->key);
		if (code != -ENOMEM && c->passphrase != NULL)
			code = cfg_node_read_secrets(c->passphrase, source);
	}
	return code;
}

int
tls_ask_files(const struct config *c, const struct cfg_source *source)
{
	int code = 0;

	for (size_t i = 0; i < c->tls_count && code != -ENOMEM; i++) {
		const struct cfg_tls *t = c->tls[i];
		const struct cfg_texts *lists[] = { &t->client.ca, &t->client.crl, &t->server.ca,
			&t->ticket_keys, &t->ocsp };

		code = ask_certificates(source, t);
		for (size_t k = 0; k < array_len(lists) && code != -ENOMEM; k++)
			code = ask_paths(source, lists[k]);
		if (code != -ENOMEM && t->named && t->server.ca.count == 0)
			code = ask_file(source, tls_system_bundle(source));
	}
	return code == -ENOMEM ? code : 0;
}
