/* config/record.c: a configuration loads from a record as it did from the world, and asks nothing more. */
#include "config/record.h"

#include "config/value.h"
#include "fixture.h"

static const struct memory_file files[] = {
	{ "/c/main.yaml", "version: 1\ninclude: [conf.d/*.yaml]\n"
			  "daemon: {log: {target: \"${HOME}/log\", level: \"${LEVEL:-debug}\"}}\n" },
	{ "/c/conf.d/a.yaml", "version: 1\nlisteners:\n  one: {listen: \"tcp://127.0.0.1:0\", handler: "
			      "{plugin: echo, config: "
			      "{key: {file: /c/key}, more: [{file: /c/none}]}}}\n" },
	{ "/c/key", "secret\n" },
	{ NULL, NULL },
};

/* Load from @p source what the record is of. */
static struct config *
load_from(const struct cfg_source *source)
{
	struct cfg_report report = { 0 };
	struct config *c = NULL;

	ck_assert_int_eq(config_load("/c/main.yaml", source, &c, &report), 0);
	cfg_report_fini(&report);
	return c;
}

static struct cfg_record *
recorded(void)
{
	static const struct cfg_source source = MEMORY_SOURCE(files);
	struct cfg_record *r = cfg_record_new(&source);
	struct config *c = load_from(cfg_record_source(r));

	ck_assert_int_eq(cfg_record_secrets(r, c), 0);
	config_unref(c);
	cfg_record_close(r);
	return r;
}

static struct cfg_record *
sent(struct cfg_record *r)
{
	struct strbuf s = { 0 };
	struct cfg_record *other = NULL;

	cfg_record_pack(r, &s);
	ck_assert_int_eq(cfg_record_unpack(s.data, s.size, &other), 0);
	strbuf_fini(&s);
	cfg_record_unref(r);
	return other;
}

START_TEST(a_configuration_loads_again_with_the_same_places)
{
	struct cfg_record *r = sent(recorded());
	struct config *c = load_from(cfg_record_source(r));

	ck_assert_uint_eq(c->listener_count, 1);
	ck_assert_str_eq(c->listeners[0].place.file, "/c/conf.d/a.yaml");
	ck_assert_int_eq(c->listeners[0].place.line, 3);
	ck_assert_str_eq(c->daemon.log_target, "/nowhere/log");
	ck_assert_int_eq(c->daemon.log_level, 7);
	config_unref(c);
	cfg_record_unref(r);
}
END_TEST

START_TEST(secrets_and_what_could_not_be_read_come_along)
{
	struct cfg_record *r = sent(recorded());
	struct config *c = load_from(cfg_record_source(r));
	const struct cfg_node *more = cfg_node_get(c->listeners[0].settings, "more");
	struct cfg_report report = { 0 };
	char *secret = NULL;

	ck_assert_int_eq(cfg_node_secret(cfg_node_get(c->listeners[0].settings, "key"), "key",
				 cfg_record_source(r), &secret, &report),
		0);
	ck_assert_str_eq(secret, "secret");
	free(secret);
	ck_assert_int_eq(
		cfg_node_secret(more->items[0], "more", cfg_record_source(r), &secret, &report), -EINVAL);
	ck_assert_ptr_nonnull(strstr(report.findings[0].text, "No such file"));
	cfg_report_fini(&report);
	config_unref(c);
	cfg_record_unref(r);
}
END_TEST

START_TEST(a_closed_record_asks_nobody)
{
	struct cfg_record *r = recorded();
	const struct cfg_source *s = cfg_record_source(r);
	char *bytes, **paths;
	size_t size = 1;

	ck_assert_int_eq(s->read(s->arg, "/etc/passwd", 100000, &bytes, &size), -ENOENT);
	ck_assert_int_eq(s->identify(s->arg, "/etc/passwd", &bytes), -ENOENT);
	ck_assert_ptr_null(s->lookup(s->arg, "PATH"));
	ck_assert_int_eq(s->expand(s->arg, "/etc/*", &paths, &size), 0);
	ck_assert_uint_eq(size, 0);
	cfg_source_free_paths(paths, size);
	ck_assert_int_eq(s->read(s->arg, "/c/key", 3, &bytes, &size), -EFBIG);
	cfg_record_unref(r);
}
END_TEST

START_TEST(the_first_answer_stays_even_if_the_world_changes)
{
	struct memory_file changing[] = { { "/f", "before" }, { NULL, NULL } };
	const struct cfg_source source = MEMORY_SOURCE(changing);
	struct cfg_record *r = cfg_record_new(&source);
	const struct cfg_source *s = cfg_record_source(r);
	char *bytes;
	size_t size;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(s->read(s->arg, "/f", 100, &bytes, &size), 0);
		ck_assert_str_eq(bytes, "before");
		free(bytes);
		changing[0].text = "after";
	}
	cfg_record_unref(r);
}
END_TEST

START_TEST(bytes_that_are_no_record_are_refused)
{
	struct cfg_record *r = recorded(), *other = NULL;
	struct strbuf s = { 0 };

	cfg_record_pack(r, &s);
	for (size_t cut = 0; cut < s.size; cut++)
		ck_assert_int_eq(cfg_record_unpack(s.data, cut, &other), -EBADMSG);
	for (size_t at = 0; at < s.size; at++) {
		unsigned char before = (unsigned char)s.data[at];

		s.data[at] = (char)(before ^ 0x81);
		if (cfg_record_unpack(s.data, s.size, &other) == 0)
			cfg_record_unref(other);
		s.data[at] = (char)before;
	}
	strbuf_fini(&s);
	cfg_record_unref(r);
}
END_TEST

UNIT_TESTS("record", a_configuration_loads_again_with_the_same_places,
	secrets_and_what_could_not_be_read_come_along, a_closed_record_asks_nobody,
	the_first_answer_stays_even_if_the_world_changes, bytes_that_are_no_record_are_refused)
