/* From a memfd to a description that can be trusted to be well-formed. The library is opened by
 * /proc/self/fd/N and N is kept open as long as it is loaded: the dynamic linker knows libraries by their
 * path, so a number that came back for another file would give the old library again. */
#include "plugin/plugin_load.h"

#include <ctype.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "base/fdutil.h"
#include "control/watch_frames.h"
#include "plugin/settings.h"

enum { NAME_MAX_SIZE = 64, STACK_MIN = 16 * 1024, STACK_MAX = 64 * 1024 * 1024, LIBRARY_NAME_SIZE = 32 };

struct plugin {
	unsigned references;
	char *path; /* owned */
	void *library;
	int fd;                   /* owned; see above */
	struct sockd_plugin full; /* the description, completed with zeros */
};

static bool
is_plausible_text(const char *text)
{
	size_t n = text != NULL ? strnlen(text, NAME_MAX_SIZE + 1) : 0;

	for (size_t i = 0; i < n; i++)
		if (!isgraph((unsigned char)text[i]))
			return false;
	return n > 0 && n <= NAME_MAX_SIZE;
}

/* A plugin built for a newer minor may still be taken if it uses nothing of what we lack. */
static bool
tail_is_zero(const struct sockd_plugin *d)
{
	const unsigned char *bytes = (const unsigned char *)d;

	for (size_t i = sizeof *d; i < d->size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static int
check_version(const struct sockd_plugin *d, const char *path, struct err *e)
{
	enum { FIXED_PART = offsetof(struct sockd_plugin, name), SIZE_MAX_PLAUSIBLE = 65536 };

	if (d->size < FIXED_PART || d->size > SIZE_MAX_PLAUSIBLE)
		return err_set(e, -EINVAL,
			"the plugin '%s' has a description of %u bytes; begin it with SOCKD_PLUGIN_INIT",
			path, (unsigned)d->size);
	if (d->abi_major != SOCKD_ABI_MAJOR || d->abi_minor > SOCKD_ABI_MINOR)
		return err_set(e, -EINVAL,
			"the plugin '%s' needs ABI %u.%u, this sockd has %d.%d; rebuild it with the "
			"headers of this sockd (pkg-config sockd-plugin)",
			path, (unsigned)d->abi_major, (unsigned)d->abi_minor, SOCKD_ABI_MAJOR,
			SOCKD_ABI_MINOR);
	if (!tail_is_zero(d))
		return err_set(e, -EINVAL,
			"the plugin '%s' uses entries that this sockd does not know; rebuild it with the "
			"headers of this sockd",
			path);
	return 0;
}

static int
check_content(const struct sockd_plugin *d, const char *path, struct err *e)
{
	const unsigned known = SOCKD_STREAMS | SOCKD_DATAGRAMS;

	if (!is_plausible_text(d->name) || !is_plausible_text(d->version))
		return err_set(e, -EINVAL,
			"the plugin '%s' has no usable name or version (1 to %d printable characters)", path,
			NAME_MAX_SIZE);
	if ((d->transports & ~known) != 0)
		return err_set(e, -EINVAL, "the plugin '%s' names unknown transports (mask 0x%x)", path,
			(unsigned)d->transports);
	if ((d->wants & ~(unsigned)SOCKD_WANTS_FDS) != 0)
		return err_set(e, -EINVAL, "the plugin '%s' wants what this sockd does not know (mask 0x%x)",
			path, (unsigned)d->wants);
	if (d->stack_size != 0 && (d->stack_size < STACK_MIN || d->stack_size > STACK_MAX))
		return err_set(e, -EINVAL,
			"the plugin '%s' asks for a stack of %u bytes; %d to %d are possible", path,
			(unsigned)d->stack_size, STACK_MIN, STACK_MAX);
	if (d->data == NULL && d->serve == NULL && d->datagram == NULL && d->on_connection == NULL &&
		d->on_error == NULL && d->on_server == NULL)
		return err_set(e, -EINVAL,
			"the plugin '%s' handles nothing: it has neither data, serve, datagram nor on_*",
			path);
	return settings_check_table(d, e);
}

/* How large the symbol really is: what the description says of itself must not lead beyond it. */
static int
check_symbol(const struct sockd_plugin *found, const char *path, struct err *e)
{
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL ||
		(symbol->st_info & 0xf) != STT_OBJECT || symbol->st_size < sizeof found->size)
		return err_set(e, -EINVAL,
			"'%s' has a sockd_plugin that is no description; define it as `const struct "
			"sockd_plugin`",
			path);
	if (found->size > symbol->st_size)
		return err_set(e, -EINVAL,
			"the plugin '%s' says that its description has %u bytes, but it has %zu; begin it "
			"with "
			"SOCKD_PLUGIN_INIT",
			path, (unsigned)found->size, (size_t)symbol->st_size);
	return 0;
}

static int
take_description(struct plugin *p, const char *path, struct err *e)
{
	const struct sockd_plugin *found = dlsym(p->library, "sockd_plugin");
	int r;

	if (found == NULL)
		return err_set(e, -EINVAL,
			"'%s' exports no sockd_plugin; a plugin defines "
			"`SOCKD_EXPORT const struct sockd_plugin sockd_plugin`",
			path);
	r = check_symbol(found, path, e);
	if (r == 0)
		r = check_version(found, path, e);
	if (r < 0)
		return r;
	memcpy(&p->full, found, found->size < sizeof p->full ? found->size : sizeof p->full);
	if (found->abi_minor < 1)
		p->full.wants = SOCKD_WANTS_FDS; /* it could not say */
	return check_content(&p->full, path, e);
}

static const char *
library_name(const struct plugin *p, char name[LIBRARY_NAME_SIZE])
{
	snprintf(name, LIBRARY_NAME_SIZE, "/proc/self/fd/%d", p->fd);
	return name;
}

static int
load(struct plugin *p, int fd, const char *path, struct err *e)
{
	char name[LIBRARY_NAME_SIZE];
	const char *why;

	p->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (p->fd < 0)
		return err_errno(e, "cannot keep the plugin '%s' open", path);
	p->library = dlopen(library_name(p, name), RTLD_NOW | RTLD_LOCAL);
	if (p->library != NULL) {
		watch_frames_name(p->fd, p->path);
		return take_description(p, path, e);
	}
	why = dlerror();
	if (why != NULL && strncmp(why, name, strlen(name)) == 0)
		why += strlen(name); /* the path says more */
	return err_set(e, -EINVAL, "cannot load the plugin '%s'%s%s", path,
		why != NULL && *why == ':' ? "" : ": ", why != NULL ? why : "unknown error");
}

int
plugin_open(int fd, const char *path, struct plugin **ret, struct err *e)
{
	struct plugin *p = mem_new(*p);
	int r;

	if (p == NULL)
		return err_set(e, -ENOMEM, "no memory for the plugin '%s'", path);
	p->references = 1;
	p->fd = -1;
	p->path = strdup(path);
	if (p->path == NULL) {
		free(p);
		return err_set(e, -ENOMEM, "no memory for the plugin '%s'", path);
	}
	r = load(p, fd, path, e);
	if (r < 0) {
		plugin_close(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct plugin *
plugin_ref(struct plugin *p)
{
	p->references++;
	return p;
}

const char *
plugin_path(const struct plugin *p)
{
	return p->path;
}

bool
plugin_has_content(const struct plugin *p, int fd)
{
	return fd_has_same_bytes(p->fd, fd);
}

static bool
is_still_loaded(const char *name)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);

	if (library != NULL)
		dlclose(library);
	return library != NULL;
}

/* A library may refuse to go: linked with -z nodelete, or with thread-local destructors still to run. Then
 * its descriptor stays open for good, so that its number never names another library. */
void
plugin_close(struct plugin *p)
{
	char name[LIBRARY_NAME_SIZE];

	if (p == NULL || --p->references > 0)
		return;
	if (p->library != NULL) {
		watch_frames_forget(p->fd);
		dlclose(p->library);
		if (is_still_loaded(library_name(p, name)))
			p->fd = -1;
	}
	cleanup_fd(&p->fd);
	free(p->path);
	free(p);
}

const struct sockd_plugin *
plugin_description(const struct plugin *p)
{
	return &p->full;
}

enum plugin_style
plugin_style(const struct plugin *p, enum cfg_transport transport)
{
	const struct sockd_plugin *d = &p->full;
	bool has_events = cfg_transport_is_datagram(transport) ? d->datagram != NULL : d->data != NULL;

	if (d->transports != 0 && (d->transports & 1u << transport) == 0)
		return PLUGIN_CANNOT;
	if (has_events)
		return PLUGIN_EVENTS;
	return d->serve != NULL ? PLUGIN_SERVES : PLUGIN_CANNOT;
}
