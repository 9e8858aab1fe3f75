/* Memory that runs out anywhere: each allocation of a load fails once, and every time the load ends with a
 * clean error and nothing left behind (which the sanitizers check). The linker sends our code's allocations
 * through here
 * (-Wl,--wrap=...). */
#include "config/print.h"
#include "config/schema.h"
#include "fixture.h"

static long allocations_left = -1; /* -1: no limit */

static bool
allow(void)
{
	if (allocations_left < 0)
		return true;
	if (allocations_left == 0) {
		errno = ENOMEM;
		return false;
	}
	allocations_left--;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

void *
__wrap_malloc(size_t size)
{
	return allow() ? __real_malloc(size) : NULL;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return allow() ? __real_calloc(count, size) : NULL;
}

void *
__wrap_realloc(void *old, size_t size)
{
	return allow() ? __real_realloc(old, size) : NULL;
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return allow() ? __real_reallocarray(old, count, size) : NULL;
}

char *
__wrap_strdup(const char *text)
{
	return allow() ? __real_strdup(text) : NULL;
}

char *
__wrap_strndup(const char *text, size_t size)
{
	return allow() ? __real_strndup(text, size) : NULL;
}

static const struct memory_file good[] = {
	{ "/e/m.yaml",
		"version: 1\ninclude: [c/*.yaml, x.yaml]\n"
		"daemon: {plugin_path: [a, b], observers: [audit, {plugin: ./o.so, config: {a: [1, 2]}}]}\n"
		"defaults: {timeouts: {idle: \"${NOPE:-5s}\"}}\n"
		"listeners: {a: {listen: ['tcp://*:1', unix:@x], handler: ./e.so}}\n" },
	{ "/e/c/1.yaml", "listeners: {b: {listen: udp://*:1, handler: e}}\n" },
	{ "/e/x.yaml", "listeners: {c: {listen: systemd:x, handler: e}}\n" },
	{ 0 },
};

static const struct memory_file bad[] = {
	{ "/e/m.yaml", "version: 2\ninclude: [c/*.yaml, none.yaml]\nx: ${NOPE}\nx: 1\n"
		       "daemon: {threads: x, user: y, log: {level: 1}}\ndefaults: {timeouts: {idle: 5}}\n"
		       "listeners: {a: {listen: ['tcp://*:1', utp:x], handler: e}, b: {lissen: 1}}\n" },
	{ "/e/c/1.yaml", "listeners: {a: {listen: udp://*:1, handler: e\n" },
	{ 0 },
};

static void
sweep(const char *path, const struct cfg_source *source, int result_in_the_end)
{
	int r = -ENOMEM;

	for (long n = 0; r == -ENOMEM; n++) {
		struct cfg_report report = { 0 };
		struct config *config = NULL;
		struct strbuf text = { 0 };

		ck_assert_int_lt(n, 10000);
		allocations_left = n;
		r = config_load(path, source, &config, &report);
		allocations_left = -1;
		ck_assert_msg(r == -ENOMEM || r == result_in_the_end, "%ld: %d", n, r);
		ck_assert((config != NULL) == (r == 0));
		ck_assert(report.out_of_memory == (r == -ENOMEM));
		cfg_report_print(&report, &text, true);
		if (r == -ENOMEM)
			ck_assert_ptr_nonnull(strstr(text.data, "out of memory"));
		strbuf_fini(&text);
		cfg_report_fini(&report);
		config_unref(config);
	}
}

START_TEST(a_load_without_memory_ends_cleanly)
{
	const struct cfg_source source = MEMORY_SOURCE(good);

	sweep("/e/m.yaml", &source, 0);
}
END_TEST

START_TEST(a_report_without_memory_ends_cleanly)
{
	const struct cfg_source source = MEMORY_SOURCE(bad);

	sweep("/e/m.yaml", &source, -EINVAL);
}
END_TEST

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(reading_the_disk_without_memory_ends_cleanly)
{
	char *folder = unit_tempdir();

	ck_assert_int_eq(chdir(folder), 0);
	write_file("m.yaml", "version: 1\ninclude: [i*.yaml]\n");
	write_file("i1.yaml", "daemon: {threads: 1}\n");
	write_file("i2.yaml", "defaults: {backlog: 1}\n");

	sweep("m.yaml", NULL, 0);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(printing_without_memory_is_noticed)
{
	struct load l = load_files(good);
	ck_assert_msg(l.result == 0, "%s", load_says(&l));
	bool failed = true;

	ck_assert_int_eq(l.result, 0);
	for (long n = 0; failed; n++) {
		struct strbuf text = { 0 };

		ck_assert_int_lt(n, 10000);
		allocations_left = n;
		config_print_yaml(&text, l.config, NULL);
		config_print_json(&text, l.config, NULL);
		config_print_schema(&text);
		allocations_left = -1;
		failed = text.failed;
		strbuf_fini(&text);
	}
	ck_assert(!failed);
	load_done(&l);
}
END_TEST

UNIT_TESTS("memory", a_load_without_memory_ends_cleanly, a_report_without_memory_ends_cleanly,
	reading_the_disk_without_memory_ends_cleanly, printing_without_memory_is_noticed)
