/* The configuration file knows, if it names a place, whatever else is wrong with it: a faulty file is when
 * the daemon is asked most. If it leaves the place to the surroundings, or the installed one can't be read
 * (it may be root's alone), the usual places are tried, the most likely first; one that has no socket file is
 * no candidate. */
#include "ctl/place.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "control/admin_path.h"

static int
copy(const char *text, char **ret, struct err *e)
{
	*ret = strdup(text);
	return *ret != NULL ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int
usual_place(char **ret, struct err *e)
{
	char path[ADMIN_PATH_SIZE], first[ADMIN_PATH_SIZE];

	for (size_t i = 0; admin_path_candidate(i, path); i++) {
		if (i == 0)
			strcpy(first, path);
		if (access(path, F_OK) == 0)
			return copy(path, ret, e);
	}
	return copy(first, ret, e); /* whoever connects says that it is not there */
}

/* The place that `unix:///PATH` or `unix:@NAME` means. */
static const char *
from_url(const char *url)
{
	const char *rest = strchr(url, ':') + 1;

	return strncmp(rest, "//", 2) == 0 ? rest + 2 : rest;
}

static int
from_config(const char *listen, const char *file, char **ret, struct err *e)
{
	if (strcmp(listen, CFG_ADMIN_OFF) == 0)
		return err_set(
			e, -ENOENT, "%s says 'daemon.admin.listen: off', so there is no admin socket", file);
	if (strcmp(listen, CFG_ADMIN_AUTO) == 0)
		return usual_place(ret, e);
	return copy(from_url(listen), ret, e);
}

/* Nobody is asked who may be another daemon than the one that was meant. */
static int
tell_fault(const char *file, int code, const struct cfg_report *report, struct err *e)
{
	const struct cfg_finding *f = report->count > 0 ? &report->findings[0] : NULL;

	if (f != NULL && f->file != NULL)
		return err_set(e, -EBADMSG,
			"%s:%d:%d: %s; so it does not say where the admin socket is, and --socket has to",
			f->file, f->line, f->column, f->text);
	return err_set(e, code, "cannot read %s: %s", file, strerror(-code));
}

int
place_find(const char *socket, const char *config, char **ret, struct err *e)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	const char *file = config != NULL ? config : SOCKD_SYSCONFDIR "/sockd/sockd.yaml";
	auto_of(mem) char *listen = NULL;
	int code;

	if (socket != NULL && strncmp(socket, "unix:", 5) == 0)
		socket = from_url(socket);
	if (socket != NULL)
		return *socket == '/' || *socket == '@' || *socket == '.'
			       ? copy(socket, ret, e)
			       : err_set(e, -EINVAL, "'%s' is neither a path (/run/..., ./...) nor @NAME",
					 socket);
	code = config_admin_listen(file, &listen, &report);
	if (code == 0)
		return from_config(listen, file, ret, e);
	return config == NULL ? usual_place(ret, e) : tell_fault(file, code, &report, e);
}
