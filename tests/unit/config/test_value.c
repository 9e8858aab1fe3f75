/* Single values, as the settings of plugins read them. */
#include "config/value.h"

#include "fixture.h"

#define SETTINGS(yaml) \
	"version: 1\nlisteners: {a: {listen: tcp://*:1, handler: {plugin: p, config: {" yaml "}}}}\n"

/* A load that succeeded, and the settings in it; faults are then told to a report of its own. */
struct settings {
	struct load load;
	const struct cfg_node *map;
	struct cfg_report report;
};

static struct settings
settings(const char *text)
{
	struct settings s = { .load = assert_taken(text) };

	s.map = s.load.config->listeners[0].settings;
	return s;
}

static void
settings_done(struct settings *s)
{
	cfg_report_fini(&s->report);
	load_done(&s->load);
}

static void
assert_told(struct settings *s, const char *wanted)
{
	struct strbuf text = { 0 };

	cfg_report_print(&s->report, &text, false);
	ck_assert_msg(text.data != NULL && strstr(text.data, wanted) != NULL, "%s", text.data);
	strbuf_fini(&text);
	cfg_report_fini(&s->report);
}

START_TEST(right_values_are_read)
{
	struct settings s =
		settings(SETTINGS("b: true, i: -5, s: 64KiB, d: 1m, o: off, m: '0640', t: text, p: /a"));
	bool truth = false;
	int64_t number = 0;
	mode_t mode = 0;
	const char *text = NULL;
	char *path = NULL;

	ck_assert_int_eq(cfg_node_bool(cfg_node_get(s.map, "b"), "b", &truth, &s.report), 0);
	ck_assert(truth);
	ck_assert_int_eq(cfg_node_integer(cfg_node_get(s.map, "i"), "i", -5, 5, &number, &s.report), 0);
	ck_assert_int_eq(number, -5);
	ck_assert_int_eq(cfg_node_size(cfg_node_get(s.map, "s"), "s", 0, 1 << 20, &number, &s.report), 0);
	ck_assert_int_eq(number, 65536);
	ck_assert_int_eq(
		cfg_node_duration(cfg_node_get(s.map, "d"), "d", 0, 60000, false, &number, &s.report), 0);
	ck_assert_int_eq(number, 60000);
	ck_assert_int_eq(
		cfg_node_duration(cfg_node_get(s.map, "o"), "o", 0, 60000, true, &number, &s.report), 0);
	ck_assert_int_eq(number, CFG_OFF);
	ck_assert_int_eq(cfg_node_mode(cfg_node_get(s.map, "m"), "m", &mode, &s.report), 0);
	ck_assert_int_eq(mode, 0640);
	ck_assert_int_eq(cfg_node_text(cfg_node_get(s.map, "t"), "t", &text, &s.report), 0);
	ck_assert_str_eq(text, "text");
	ck_assert_int_eq(cfg_node_path(cfg_node_get(s.map, "p"), "p", &path, &s.report), 0);
	ck_assert_str_eq(path, "/a");
	ck_assert(cfg_report_is_ok(&s.report));
	free(path);
	settings_done(&s);
}
END_TEST

START_TEST(wrong_values_are_told_with_their_place)
{
	struct settings s = settings(SETTINGS("i: 9, o: off, e: '', l: []"));
	const char *text;
	int64_t number;
	char *path;

	ck_assert_int_eq(cfg_node_integer(cfg_node_get(s.map, "i"), "i", 0, 5, &number, &s.report), -EINVAL);
	assert_told(&s, "t.yaml:2:69: error: 'i': 9 is out of range; write 0 to 5\n");
	ck_assert_int_eq(cfg_node_duration(cfg_node_get(s.map, "o"), "o", 0, 1000, false, &number, &s.report),
		-EINVAL);
	assert_told(&s, "'o': off is out of range; write 0s to 1s\n");
	ck_assert_int_eq(cfg_node_path(cfg_node_get(s.map, "e"), "e", &path, &s.report), -EINVAL);
	assert_told(&s, "'e': the path is empty\n");
	ck_assert_int_eq(cfg_node_text(cfg_node_get(s.map, "l"), "l", &text, &s.report), -EINVAL);
	assert_told(&s, "'l' has to be text, not a list\n");
	settings_done(&s);
}
END_TEST

START_TEST(paths_start_at_the_folder_of_their_file)
{
	static const struct memory_file files[] = {
		{ "/etc/s/m.yaml", SETTINGS("p: sub/x, q: ./y, r: /z, s: .") }, { 0 }
	};
	struct load l = load_files(files);
	const struct cfg_node *map = l.config->listeners[0].settings;
	static const char *const wanted[][2] = { { "p", "/etc/s/sub/x" }, { "q", "/etc/s/y" }, { "r", "/z" },
		{ "s", "/etc/s/." } };

	for (size_t i = 0; i < array_len(wanted); i++) {
		char *path = NULL;

		ck_assert_int_eq(cfg_node_path(cfg_node_get(map, wanted[i][0]), "p", &path, &l.report), 0);
		ck_assert_str_eq(path, wanted[i][1]);
		free(path);
	}
	load_done(&l);
}
END_TEST

static int
nul_read(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size)
{
	(void)arg;
	(void)path;
	(void)limit;
	*ret_bytes = calloc(1, 4);
	*ret_size = 3;
	return *ret_bytes != NULL ? 0 : -ENOMEM;
}

START_TEST(secrets_are_text_or_a_file)
{
	static const struct memory_file files[] = { { "/s/key", "hunter2\n" }, { "/s/empty", "\n" }, { 0 } };
	struct cfg_source source = MEMORY_SOURCE(files);
	struct settings s =
		settings(SETTINGS("a: plain, b: {file: /s/key}, c: {file: /s/none}, d: {file: /s/empty}, "
				  "e: {credential: x}, f: {file: []}, g: {other: x}, h: []"));
	static const char *const wrong[][2] = {
		{ "c", "'c': cannot read /s/none: No such file or directory" },
		{ "d", "'d': /s/empty is empty" },
		{ "e", "there is no credential 'x', since CREDENTIALS_DIRECTORY is not set" },
		{ "f", "'f' has to be a path, not a list" },
		{ "g", "'g' has to be text, {file: PATH} or {credential: NAME}, not a map" },
		{ "h", "'h' has to be text, {file: PATH} or {credential: NAME}, not a list" }
	};
	char *secret = NULL;

	ck_assert_int_eq(cfg_node_secret(cfg_node_get(s.map, "a"), "a", &source, &secret, &s.report), 0);
	ck_assert_str_eq(secret, "plain");
	free(secret);
	ck_assert_int_eq(cfg_node_secret(cfg_node_get(s.map, "b"), "b", &source, &secret, &s.report), 0);
	ck_assert_str_eq(secret, "hunter2");
	free(secret);
	for (size_t i = 0; i < array_len(wrong); i++) {
		ck_assert_int_eq(cfg_node_secret(cfg_node_get(s.map, wrong[i][0]), wrong[i][0], &source,
					 &secret, &s.report),
			-EINVAL);
		assert_told(&s, wrong[i][1]);
	}
	source.read = nul_read;
	ck_assert_int_eq(
		cfg_node_secret(cfg_node_get(s.map, "b"), "b", &source, &secret, &s.report), -EINVAL);
	assert_told(&s, "holds a NUL character");
	settings_done(&s);
}
END_TEST

static const char *
credentials_lookup(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "CREDENTIALS_DIRECTORY") == 0 ? "/run/credentials/sockd" : NULL;
}

START_TEST(a_credential_is_a_file_of_the_services_own_folder)
{
	static const struct memory_file files[] = { { "/run/credentials/sockd/db", "hunter2\n" },
		{ "/run/credentials/passwd", "other" }, { 0 } };
	struct cfg_source source = MEMORY_SOURCE(files);
	struct settings s = settings(SETTINGS("a: {credential: db}, b: {credential: none}, "
					      "c: {credential: ../passwd}, d: {credential: ''}, "
					      "e: {credential: [db]}, f: {credential: ..}"));
	static const char *const wrong[][2] = {
		{ "b", "'b': there is no credential 'none'; add LoadCredential=none:PATH to the unit" },
		{ "c", "'../passwd' is not the name of a credential" },
		{ "d", "'' is not the name of a credential" },
		{ "e", "'e' has to be the name of a credential, not a list" },
		{ "f", "'..' is not the name of a credential" },
	};
	char *secret = NULL;

	source.lookup = credentials_lookup;
	ck_assert_int_eq(cfg_node_secret(cfg_node_get(s.map, "a"), "a", &source, &secret, &s.report), 0);
	ck_assert_str_eq(secret, "hunter2");
	free(secret);
	for (size_t i = 0; i < array_len(wrong); i++) {
		ck_assert_int_eq(cfg_node_secret(cfg_node_get(s.map, wrong[i][0]), wrong[i][0], &source,
					 &secret, &s.report),
			-EINVAL);
		assert_told(&s, wrong[i][1]);
	}
	settings_done(&s);
}
END_TEST

START_TEST(null_is_only_null_without_quotes)
{
	struct settings s = settings(SETTINGS("a: , b: ~, c: null, d: 'null', e: '', f: x"));

	ck_assert(cfg_node_is_null(cfg_node_get(s.map, "a")));
	ck_assert(cfg_node_is_null(cfg_node_get(s.map, "b")));
	ck_assert(cfg_node_is_null(cfg_node_get(s.map, "c")));
	ck_assert(!cfg_node_is_null(cfg_node_get(s.map, "d")));
	ck_assert(!cfg_node_is_null(cfg_node_get(s.map, "e")));
	ck_assert_str_eq(cfg_node_kind_name(cfg_node_get(s.map, "a")), "nothing");
	ck_assert_str_eq(cfg_node_kind_name(cfg_node_get(s.map, "f")), "text");
	settings_done(&s);
}
END_TEST

UNIT_TESTS("value", right_values_are_read, wrong_values_are_told_with_their_place,
	paths_start_at_the_folder_of_their_file, secrets_are_text_or_a_file,
	a_credential_is_a_file_of_the_services_own_folder, null_is_only_null_without_quotes)
