/* control/watch_frames.c: the frames of a plugin, which in a crash nobody is left to count the lines of. */
#include "control/watch_frames.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

enum { LONG = 1000 };

static int fd, told[2];
static void *library, *frame;
static char loaded_as[64], text[2 * LONG];

/* A plugin as the loader loads it, and a frame in it. */
static void
begin(void)
{
	const char *build = getenv("SOCKD_BUILD");
	char path[4096];

	ck_assert_int_eq(backtrace(&frame, 1), 1); /* as the handler's owner has, before it is one */
	snprintf(path, sizeof path, "%s/stage-plugins/echo.so", build != NULL ? build : ".");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "no %s", path);
	snprintf(loaded_as, sizeof loaded_as, "/proc/self/fd/%d", fd);
	library = dlopen(loaded_as, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(library != NULL, "%s", dlerror());
	frame = dlsym(library, "sockd_plugin");
	ck_assert_ptr_nonnull(frame);
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
}

static void
end(void)
{
	dlclose(library);
	close(fd);
	close(told[0]);
	close(told[1]);
}

/* @return what is told of @p of */
static const char *
tell(void *of)
{
	ssize_t n;

	watch_frames_write(&of, 1, told[1]);
	n = read(told[0], text, sizeof text - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return text;
}

START_TEST(a_plugins_frame_is_told_by_its_file_and_the_offset_in_it)
{
	char wanted[256];
	Dl_info info;

	begin();
	ck_assert_int_ne(dladdr(frame, &info), 0);
	watch_frames_name(fd, "/a/plugin.so");
	snprintf(wanted, sizeof wanted, "/a/plugin.so(+%#zx)[%p]\n",
		(size_t)((char *)frame - (char *)info.dli_fbase), frame);
	ck_assert_str_eq(tell(frame), wanted);

	watch_frames_forget(fd);
	ck_assert_msg(strncmp(tell(frame), loaded_as, strlen(loaded_as)) == 0, "told: %s", text);
	end();
}
END_TEST

START_TEST(what_is_no_plugins_is_told_as_the_library_says)
{
	begin();
	watch_frames_name(fd, "/a/plugin.so");
	ck_assert_ptr_null(strstr(tell(dlsym(RTLD_DEFAULT, "malloc")), "plugin.so"));
	watch_frames_forget(fd);
	end();
}
END_TEST

START_TEST(a_path_that_is_long_leaves_room_for_the_rest)
{
	char path[LONG + 1];

	begin();
	memset(path, 'p', LONG);
	path[LONG] = '\0';
	watch_frames_name(fd, path);
	ck_assert_ptr_nonnull(strstr(tell(frame), "p(+0x"));
	ck_assert_uint_lt(strlen(text), LONG);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	watch_frames_forget(fd);
	end();
}
END_TEST

UNIT_TESTS("watch_frames", a_plugins_frame_is_told_by_its_file_and_the_offset_in_it,
	what_is_no_plugins_is_told_as_the_library_says, a_path_that_is_long_leaves_room_for_the_rest)
