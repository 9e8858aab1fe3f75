/* Run by the build: gen_page PLUGIN.so PROSE EXAMPLE.yaml writes the plugin's page of the manual to standard
 * output. Name, transports and settings come from its description, the prose, in mdoc, from a file beside its
 * source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "plugin/describe.h"
#include "plugin/plugin_file.h"

static bool
add_file(struct strbuf *page, const char *path, bool literal)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	bool ok = file != NULL;

	while (ok && fgets(line, sizeof line, file) != NULL) {
		if (literal && (line[0] == '.' || line[0] == '\''))
			strbuf_add(page, "\\&");
		for (const char *p = line; *p != '\0'; p++) {
			if (literal && *p == '\\')
				strbuf_add(page, "\\e");
			else if (literal && *p == '"')
				strbuf_add(page, "\\(dq");
			else
				strbuf_add_char(page, *p);
		}
	}
	ok = ok && ferror(file) == 0;
	if (file != NULL)
		fclose(file);
	if (!ok)
		perror(path);
	return ok;
}

/* "SOCKD-PROXY" */
static void
add_title(struct strbuf *page, const char *name)
{
	strbuf_add(page, "SOCKD-");
	for (; *name != '\0'; name++)
		strbuf_add_char(page, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
}

static bool
add_page(struct strbuf *page, const struct plugin *p, const char *prose, const char *example)
{
	const struct sockd_plugin *d = plugin_description(p);

	strbuf_add(page, ".\\\" SPDX-License-Identifier: MIT\n.Dd November 28, 2026\n.Dt ");
	add_title(page, d->name);
	strbuf_printf(page, " 7\n.Os\n.Sh NAME\n.Nm sockd-%s\n.Nd plugin of sockd: ", d->name);
	strbuf_printf(page, "%s\n.Sh DESCRIPTION\n", d->summary);
	if (!add_file(page, prose, false))
		return false;
	strbuf_add(page, ".Pp\n");
	describe_man(page, p);
	strbuf_add(page, ".Sh EXAMPLES\n.Bd -literal\n");
	if (!add_file(page, example, true))
		return false;
	strbuf_add(page, ".Ed\n.Sh SEE ALSO\n.Xr sockctl 1 ,\n.Xr sockd.yaml 5 ,\n.Xr sockd-plugin 7 ,\n"
			 ".Xr sockd 8\n");
	return !page->failed;
}

int
main(int argc, char **argv)
{
	auto_of(strbuf) struct strbuf page = { 0 };
	auto_of(mem) char *path = NULL;
	auto_of(fd) int fd = -1;
	struct plugin *p = NULL;
	struct err e = { 0 };
	bool ok;

	if (argc != 4)
		return EXIT_FAILURE;
	if (plugin_file_open(argv[1], NULL, 0, &path, &fd, &e) < 0 || plugin_open(fd, path, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return EXIT_FAILURE;
	}
	ok = add_page(&page, p, argv[2], argv[3]) && fputs(page.data, stdout) != EOF && fflush(stdout) == 0;
	plugin_close(p);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
