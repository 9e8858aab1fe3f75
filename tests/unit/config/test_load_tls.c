#include "config/load_tls.h"
#include "config/print.h"
#include "fixture.h"
#include "unit.h"

#define CERT       "certificates: [{cert: a.crt, key: a.key}]"
#define NAMED(map) "version: 1\ntls:\n  public: {" map "}\nlisteners:\n"
#define ECHO(tls)  "  echo: {listen: \"tcp://127.0.0.1:0\", handler: echo, tls: " tls "}\n"

START_TEST(settings_are_shared_by_name_or_stand_in_the_listener)
{
	struct load l = assert_taken(NAMED(CERT ", alpn: [a, b/1]") ECHO(
		"public") "  other: {listen: \"unix:@x\", handler: echo, tls: {certificates: b.pem, "
			  "min_version: 1.3, client: {verify: required, ca: [c.pem, d]}}}\n"
			  "  third: {listen: \"unix:@y\", handler: echo}\n");
	const struct cfg_listener *listeners = l.config->listeners;
	const struct cfg_tls *own = listeners[1].tls.tls;

	ck_assert_uint_eq(l.config->tls_count, 2);
	ck_assert_uint_eq(l.config->tls_named_count, 1);
	ck_assert_ptr_eq(listeners[0].tls.tls, l.config->tls[0]);
	ck_assert_str_eq(l.config->tls[0]->name, "public");
	ck_assert_str_eq(l.config->tls[0]->certificates[0].cert, "a.crt");
	ck_assert_str_eq(l.config->tls[0]->certificates[0].key, "a.key");
	ck_assert_str_eq(l.config->tls[0]->alpn.at[1], "b/1");
	ck_assert_int_eq(l.config->tls[0]->min_version, 0x0303);
	ck_assert(l.config->tls[0]->session_tickets && l.config->tls[0]->watch);
	ck_assert_ptr_eq(own, l.config->tls[1]);
	ck_assert_str_eq(own->name, "other");
	ck_assert_ptr_null(own->certificates[0].key);
	ck_assert_int_eq(own->min_version, 0x0304);
	ck_assert_int_eq(own->client.verify, CFG_VERIFY_REQUIRED);
	ck_assert_uint_eq(own->client.ca.count, 2);
	ck_assert_ptr_null(listeners[2].tls.tls);
	ck_assert_int_eq(listeners[2].timeouts.handshake_ms, 10000);
	load_done(&l);
}
END_TEST

START_TEST(a_plugin_may_begin_it)
{
	struct load l = assert_taken(NAMED(CERT) ECHO("{use: public, start: handler}"));

	ck_assert_ptr_eq(l.config->listeners[0].tls.tls, l.config->tls[0]);
	ck_assert(l.config->listeners[0].tls.by_handler);
	ck_assert_uint_eq(l.config->tls_count, 1);
	load_done(&l);
}
END_TEST

START_TEST(what_cannot_work_is_told_at_its_place)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ NAMED(CERT) ECHO("pulbic"), "error: 'tls': there is no 'pulbic' under 'tls:' "
					      "at the top; did you mean "
					      "'public'?" },
		{ "version: 1\nlisteners:\n" ECHO("x"), "nor any other entry" },
		{ NAMED("alpn: a") ECHO("public"),
			"tls 'public' has no 'certificates', which a listener needs" },
		{ NAMED(CERT ", start: handler"), "'start' is a listener's own key" },
		{ NAMED(CERT) ECHO("{use: public, alpn: a}"), "'alpn' belongs to tls 'public' itself" },
		{ NAMED(CERT ", min_version: 1.1"), "'min_version': '1.1' is unknown" },
		{ NAMED(CERT ", min_version: 1.3, max_version: 1.2"),
			"'max_version' is older than 'min_version'" },
		{ NAMED(CERT ", alpn: [\"\"]"), "'alpn': '' has 0 bytes; a protocol's name has 1 to 255" },
		{ NAMED(CERT ", client: {verify: required}"), "'client.verify' needs 'client.ca'" },
		{ NAMED(CERT ", client: {ca: a.pem}"), "'client.verify' is none" },
		{ NAMED(CERT ", client: {verify: optional, allow_fingerprint: \"12:34\"}"),
			"'12:34' is no SHA-256 fingerprint" },
		{ NAMED(CERT ", session_tickets: false, ticket_keys: a"), "'ticket_keys' has no meaning" },
		{ NAMED("certificates: [{key: a}]"), "a certificate has no 'cert'" },
		{ NAMED("certificats: a"), "unknown key 'certificats' in tls 'public'; did you mean "
					   "'certificates'?" },
		{ "version: 1\ntls: {\"a b\": {" CERT "}}\n", "'a b' cannot be the name of a tls map" },
		{ NAMED(CERT) "  u: {listen: \"udp://127.0.0.1:0\", handler: echo, tls: public}\n",
			"'tls' does not apply to udp" },
		{ NAMED(CERT) "  u: {listen: [\"tcp://127.0.0.1:0\", \"unixgram:@a\"], handler: echo, tls: "
			      "public}\n",
			"'tls' does not apply to unixgram:@a; give datagrams a listener of their own" },
		{ "version: 1\ndefaults: {tls: a}\n", "'tls' is a listener's own key" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_refused(rows[i].text, rows[i].says);
}
END_TEST

START_TEST(a_protocol_of_256_bytes_is_too_long)
{
	char text[1024];

	snprintf(text, sizeof text, "version: 1\ntls: {a: {" CERT ", alpn: %0256d}}\n", 0);
	assert_refused(text, "has 256 bytes; a protocol's name has 1 to 255");
	snprintf(text, sizeof text, "version: 1\ntls: {a: {" CERT ", alpn: \"%0255d\"}}\n", 0);
	{
		struct load l = assert_taken(text);

		ck_assert_uint_eq(strlen(l.config->tls[0]->alpn.at[0]), 255);
		load_done(&l);
	}
}
END_TEST

START_TEST(what_is_printed_reads_back_as_the_same)
{
	struct load l = assert_taken(NAMED(CERT ", client: {verify: required, ca: x}") ECHO(
		"public") "  b: {listen: \"unix:@x\", handler: e, tls: {use: public, start: handler}}\n"
			  "  c: {listen: \"unix:@y\", handler: e, tls: {certificates: [{cert: b, "
			  "key_passphrase: {file: p}}], alpn: q}}\n");
	struct strbuf text = { 0 };
	struct load again;

	config_print_yaml(&text, l.config, NULL);
	ck_assert_ptr_nonnull(strstr(text.data, "    tls: public "));
	ck_assert_ptr_nonnull(strstr(text.data, "key_passphrase: \"***\""));
	again = assert_taken(text.data);

	ck_assert_uint_eq(again.config->tls_count, 2);
	ck_assert(again.config->listeners[1].tls.by_handler);
	ck_assert_ptr_eq(again.config->listeners[1].tls.tls, again.config->tls[0]);
	ck_assert_str_eq(again.config->listeners[2].tls.tls->alpn.at[0], "q");
	strbuf_fini(&text);
	load_done(&l);
	load_done(&again);
}
END_TEST

/* A source that counts what it is asked for; `folder` is one. */
static int asked;

static int
counting_read(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size)
{
	(void)arg, (void)limit, (void)ret_bytes, (void)ret_size;
	asked++;
	return strcmp(path, "folder") == 0 ? -EISDIR : -ENOENT;
}

static int
counting_expand(void *arg, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	(void)arg;
	ck_assert_str_eq(pattern, "folder/*");
	*ret_paths = calloc(2, sizeof **ret_paths);
	(*ret_paths)[0] = strdup("folder/one");
	*ret_count = 1;
	return 0;
}

START_TEST(every_file_is_asked_for)
{
	struct load l = assert_taken(
		"version: 1\nlisteners: {a: {listen: \"unix:@x\", handler: e, tls: {certificates: "
		"[{cert: a, key: b, key_passphrase: {file: c}}], client: {verify: required, ca: "
		"folder, crl: d}, ticket_keys: [e, f], ocsp: g}}}\n");
	const struct cfg_source source = { .read = counting_read,
		.expand = counting_expand,
		.identify = memory_identify,
		.lookup = memory_lookup };

	ck_assert_int_eq(tls_ask_files(l.config, &source), 0);

	ck_assert_int_eq(asked, 9);
	load_done(&l);
}
END_TEST

START_TEST(a_folder_is_taken_literally)
{
	char *pattern = tls_folder_pattern("/a[b]*/c");

	ck_assert_str_eq(pattern, "/a\\[b]\\*/c/*");
	free(pattern);
}
END_TEST

UNIT_TESTS("load_tls", settings_are_shared_by_name_or_stand_in_the_listener, a_plugin_may_begin_it,
	what_cannot_work_is_told_at_its_place, a_protocol_of_256_bytes_is_too_long,
	what_is_printed_reads_back_as_the_same, every_file_is_asked_for, a_folder_is_taken_literally)
