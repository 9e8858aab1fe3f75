/* Plugins that a test writes down as C and builds on the spot, the way their authors would. */
#ifndef UNIT_PLUGIN_MADE_H
#define UNIT_PLUGIN_MADE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

/** A description with these fields, beside those that every one needs. */
#define MADE_DESCRIPTION(fields)                                                                       \
	"SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = \"made\"," \
	" .version = \"1.0\", " fields " };\n"

/** An entry for it: `.data = nothing`. */
#define MADE_ENTRY                                                                                 \
	"static void nothing(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)\n" \
	"{ (void)c; (void)r; (void)w; }\n"

static inline void
made_write(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

/** Build FOLDER/NAME.so. */
static inline void
made_plugin(const char *folder, const char *name, const char *flags, const char *code)
{
	const char *cc = getenv("CC"), *src = getenv("SOCKD_SRC");
	char source[256], object[256], command[1024];
	char *text = NULL;

	snprintf(source, sizeof source, "%s/%s.c", folder, name);
	snprintf(object, sizeof object, "%s/%s.so", folder, name);
	ck_assert_int_gt(asprintf(&text, "#include <sockd/plugin.h>\n%s", code), 0);
	made_write(source, text, 0644);
	free(text);
	snprintf(command, sizeof command, "%s -w -shared -fPIC -I%s/include %s -o %s %s",
		cc != NULL ? cc : "cc", src != NULL ? src : ".", flags, object, source);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(chmod(object, 0755), 0);
}

/** As made_plugin(), and open it. */
static inline int
made_plugin_fd(const char *folder, const char *name, const char *flags, const char *code)
{
	char path[256];
	int fd;

	made_plugin(folder, name, flags, code);
	snprintf(path, sizeof path, "%s/%s.so", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

#endif
