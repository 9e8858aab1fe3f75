/* plugin/plugin_symbols.c: what a file exports, and files that are none. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdutil.h"
#include "plugin/plugin_symbols.h"
#include "unit.h"

static void
remember(void *arg, const char *symbol)
{
	char *all = arg;

	strncat(all, symbol, 200 - strlen(all));
	strncat(all, " ", 200 - strlen(all));
}

static int
open_staged(const char *name)
{
	char path[512];
	const char *build = getenv("SOCKD_BUILD");
	int fd;

	snprintf(path, sizeof path, "%s/stage-plugins/%s", build != NULL ? build : ".", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "cannot open %s", path);
	return fd;
}

START_TEST(a_plugin_of_ours_exports_its_description_only)
{
	auto_of(fd) int fd = open_staged("echo.so");
	char all[256] = "";

	plugin_symbols_each(fd, remember, all);

	ck_assert_str_eq(all, UNIT_ADDRESS_SANITIZER ? "__odr_asan.sockd_plugin " : "");
}
END_TEST

START_TEST(the_symbols_of_a_library_are_found)
{
	auto_of(fd) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char all[256] = "";

	/* A program exports something, if only `_IO_stdin_used`; what it needs from others is not told. */
	plugin_symbols_each(fd, remember, all);

	ck_assert_ptr_null(strstr(all, "ck_assert"));
	ck_assert_ptr_null(strstr(all, "strncat"));
}
END_TEST

/* Every cut and every flipped byte of a real file: nothing is read outside of it (the sanitizers watch). */
START_TEST(broken_files_are_no_danger)
{
	auto_of(fd) int whole = open_staged("echo.so");
	auto_of(mem) char *bytes = NULL;
	char all[256];
	size_t size;

	ck_assert_int_eq(fd_read_all(whole, 1 << 24, &bytes, &size), 0);
	for (size_t i = 0; i < size; i += i < 512 || i > size - 4096 ? 1 : 97) {
		auto_of(fd) int cut = -1;
		auto_of(fd) int flipped = -1;

		ck_assert_int_eq(fd_memfd("cut", bytes, i, &cut), 0);
		bytes[i] = (char)~bytes[i];
		ck_assert_int_eq(fd_memfd("flipped", bytes, size, &flipped), 0);
		bytes[i] = (char)~bytes[i];
		all[0] = '\0';
		plugin_symbols_each(cut, remember, all);
		plugin_symbols_each(flipped, remember, all);
		ck_assert_uint_le(strlen(all), 200);
	}
}
END_TEST

UNIT_TESTS("plugin_symbols", a_plugin_of_ours_exports_its_description_only,
	the_symbols_of_a_library_are_found, broken_files_are_no_danger)
