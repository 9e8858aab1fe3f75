/* Several files that become one configuration. */
#include "config/files.h"

#include <sys/stat.h>

#include "fixture.h"

#define LISTENER(name, port) "listeners: {" name ": {listen: 'tcp://127.0.0.1:" port "', handler: echo}}\n"

static void
refuse_files(const struct memory_file *files, const char *says)
{
	struct load l = load_files(files);

	ck_assert_int_eq(l.result, -EINVAL);
	ck_assert_msg(strstr(load_says(&l), says) != NULL, "%s\nwanted: %s", load_says(&l), says);
	load_done(&l);
}

START_TEST(included_files_are_joined)
{
	static const struct memory_file files[] = {
		{ "/etc/s/main.yaml",
			"version: 1\ninclude: [conf.d/*.yaml, /opt/x.yaml]\ndaemon: {threads: 2}\n" LISTENER(
				"a", "1") },
		{ "/etc/s/conf.d/b.yaml", "version: 1\ninclude: more/c.yaml\n" LISTENER("b", "2") },
		{ "/etc/s/conf.d/empty.yaml", "# nothing\n" },
		{ "/etc/s/conf.d/more/c.yaml", "daemon: {log: {level: debug}}\n" LISTENER("c", "3") },
		{ "/opt/x.yaml", "listeners: {d: {listen: tcp://*:9, handler: ./x.so}}\n" },
		{ 0 },
	};
	struct load l = load_files(files);

	ck_assert_msg(l.result == 0, "%s", load_says(&l));
	ck_assert_uint_eq(l.config->listener_count, 4);
	ck_assert_str_eq(l.config->listeners[0].name, "a");
	ck_assert_str_eq(l.config->listeners[2].name, "c");
	ck_assert_str_eq(l.config->listeners[2].place.file, "/etc/s/conf.d/more/c.yaml");
	ck_assert_str_eq(l.config->listeners[3].plugin, "/opt/x.so");
	ck_assert_int_eq(l.config->daemon.threads, 2);
	ck_assert_int_eq(l.config->daemon.log_level, 7);
	load_done(&l);
}
END_TEST

START_TEST(a_pattern_may_match_nothing_but_a_name_must_exist)
{
	static const struct memory_file pattern[] = { { "/e/m.yaml", "version: 1\ninclude: conf.d/*.yaml\n" },
		{ 0 } };
	static const struct memory_file name[] = { { "/e/m.yaml", "version: 1\ninclude: [conf.d/a.yaml]\n" },
		{ 0 } };
	struct load l = load_files(pattern);

	ck_assert_int_eq(l.result, 0);
	load_done(&l);
	refuse_files(name, "/e/m.yaml:2:11: error: cannot read /e/conf.d/a.yaml: No such file or directory");
}
END_TEST

START_TEST(a_key_in_two_files_names_both_places)
{
	static const struct memory_file listeners[] = {
		{ "/m", "version: 1\ninclude: b\n" LISTENER("a", "1") }, { "/b", LISTENER("a", "2") }, { 0 }
	};
	static const struct memory_file keys[] = { { "/m", "version: 1\ninclude: b\ndaemon: {threads: 1}\n" },
		{ "/b", "daemon:\n  threads: 2\n" }, { 0 } };

	refuse_files(listeners, "/b:1:13: error: the key 'a' is here twice; the first is at /m:3:13");
	refuse_files(keys, "/b:2:3: error: the key 'threads' is here twice; the first is at /m:3:10");
}
END_TEST

START_TEST(addresses_of_two_files_meet_too)
{
	static const struct memory_file files[] = { { "/m", "version: 1\ninclude: b\n" LISTENER("a", "1") },
		{ "/b", LISTENER("b", "1") }, { 0 } };

	refuse_files(files,
		"/b:1:25: error: tcp://127.0.0.1:1 is taken by tcp://127.0.0.1:1 of listener 'a' at /m:3:25");
}
END_TEST

START_TEST(circles_are_refused)
{
	static const struct memory_file itself[] = { { "/m", "version: 1\ninclude: /m\n" }, { 0 } };
	static const struct memory_file circle[] = { { "/m", "version: 1\ninclude: /a\n" },
		{ "/a", "include: /b\n" }, { "/b", "include: /m\n" }, { 0 } };

	refuse_files(itself, "/m:2:10: error: /m includes itself in a circle");
	refuse_files(circle, "/b:1:10: error: /m includes itself in a circle");
}
END_TEST

START_TEST(a_file_is_read_once)
{
	static const struct memory_file files[] = { { "/m", "version: 1\ninclude: [/a, /b]\n" },
		{ "/a", "include: /b\n" }, { "/b", "version: 1\n" }, { 0 } };

	refuse_files(files, "/m:2:15: error: /b is included twice; the first is at /a:1:10");
}
END_TEST

START_TEST(includes_have_a_depth)
{
	static char names[20][4], texts[20][32];
	struct memory_file files[21] = { 0 };

	for (int i = 0; i < 20; i++) {
		snprintf(names[i], sizeof names[i], "/%c", 'a' + i);
		snprintf(texts[i], sizeof texts[i], "%sinclude: /%c\n", i == 0 ? "version: 1\n" : "",
			'a' + i + 1);
		files[i] = (struct memory_file){ names[i], texts[i] };
	}

	refuse_files(files, "/q:1:10: error: more than 16 includes within each other");
}
END_TEST

START_TEST(a_fault_in_one_file_does_not_hide_those_in_others)
{
	static const struct memory_file files[] = { { "/m", "version: 1\ninclude: [/a, /b]\nfoo: 1\n" },
		{ "/a", "x: [\n" }, { "/b", "version: 3\nbar: 1\n" }, { 0 } };
	struct load l = load_files(files);

	ck_assert_int_eq(l.result, -EINVAL);
	ck_assert_uint_eq(l.report.errors, 4);
	ck_assert_ptr_nonnull(strstr(load_says(&l), "/a:2:1: error: "));
	ck_assert_ptr_nonnull(strstr(load_says(&l), "/b:1:10: error: this sockd reads files of version 1"));
	ck_assert_ptr_nonnull(strstr(load_says(&l), "/b:2:1: error: unknown key 'bar'"));
	ck_assert_ptr_nonnull(strstr(load_says(&l), "/m:3:1: error: unknown key 'foo'"));
	load_done(&l);
}
END_TEST

START_TEST(includes_are_names)
{
	static const struct memory_file map[] = { { "/m", "version: 1\ninclude: {a: 1}\n" }, { 0 } };
	static const struct memory_file list[] = { { "/m", "version: 1\ninclude: [[a]]\n" }, { 0 } };

	refuse_files(map, "/m:2:10: error: 'include' has to be a file name or a list of them, not a map");
	refuse_files(list, "/m:2:11: error: 'include' has to be a path, not a list");
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

START_TEST(the_disk_is_read_in_sorted_order)
{
	char *folder = unit_tempdir();
	struct cfg_report report = { 0 };
	struct strbuf printed = { 0 };
	struct config *config = NULL;

	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(mkdir("e", 0700), 0);
	write_file("d/2.yaml", LISTENER("two", "2"));
	write_file("d/1.yaml", LISTENER("one", "1"));
	write_file("m.yaml", "version: 1\ninclude: d/*.yaml\n");
	write_file("twice.yaml", "version: 1\ninclude: [d/1.yaml, d/../d/1.yaml]\n");
	write_file("folder.yaml", "version: 1\ninclude: e\n");
	ck_assert_int_eq(mkdir("[o]", 0700), 0);
	write_file("[o]/odd.yaml", "version: 1\ninclude: [./*.y, x.z]\n");
	write_file("[o]/three.y", LISTENER("three", "3"));
	write_file("[o]/x.z", LISTENER("four", "4"));
	ck_assert_int_eq(symlink("loop", "loop"), 0);
	write_file("loops.yaml", "version: 1\ninclude: loop/*.yaml\n");
	write_file("big.yaml", "");
	ck_assert_int_eq(truncate("big.yaml", 1024 * 1024 + 1), 0);

	ck_assert_int_eq(config_load("m.yaml", NULL, &config, &report), 0);
	ck_assert_uint_eq(config->listener_count, 2);
	ck_assert_str_eq(config->listeners[0].name, "one");
	ck_assert_str_eq(config->listeners[1].name, "two");
	config_unref(config);
	ck_assert_int_eq(config_load("[o]/odd.yaml", NULL, &config, &report), 0);
	ck_assert_uint_eq(config->listener_count, 2);
	config_unref(config);
	ck_assert_int_eq(config_load("loops.yaml", NULL, &config, &report), -EINVAL);
	ck_assert_int_eq(config_load("twice.yaml", NULL, &config, &report), -EINVAL);
	ck_assert_int_eq(config_load("folder.yaml", NULL, &config, &report), -EINVAL);
	ck_assert_int_eq(config_load("big.yaml", NULL, &config, &report), -EFBIG);
	cfg_report_print(&report, &printed, false);
	ck_assert_ptr_nonnull(
		strstr(printed.data, "twice.yaml:2:21: error: d/../d/1.yaml is included twice"));
	ck_assert_ptr_nonnull(
		strstr(printed.data, "loops.yaml:2:10: error: cannot look for loop/*.yaml: Too many"));
	ck_assert_ptr_nonnull(strstr(printed.data, "folder.yaml:2:10: error: cannot read e: Is a directory"));
	ck_assert_ptr_nonnull(strstr(printed.data, "big.yaml is larger than 1048576 bytes"));
	strbuf_fini(&printed);
	cfg_report_fini(&report);
	unit_tempdir_remove(folder);
}
END_TEST

UNIT_TESTS("files", included_files_are_joined, a_pattern_may_match_nothing_but_a_name_must_exist,
	a_key_in_two_files_names_both_places, addresses_of_two_files_meet_too, circles_are_refused,
	a_file_is_read_once, includes_have_a_depth, a_fault_in_one_file_does_not_hide_those_in_others,
	includes_are_names, the_disk_is_read_in_sorted_order)
