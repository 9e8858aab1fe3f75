/* Nothing is looked up or opened here: what is refused has cost nothing. */
#include "engine/dial_options.h"

#include <errno.h>
#include <stdio.h>

#include "config/address.h"
#include "engine/strand.h"

const struct sockd_dial_options dial_defaults = { .size = sizeof dial_defaults };

int
dial_check(const struct sockd_dial_options *o, const struct strand *self)
{
	if (o->size < sizeof *o || o->timeout_ms < SOCKD_FOREVER)
		return -EINVAL;
	if (o->events != NULL && (o->events->size < sizeof *o->events || o->events->data == NULL))
		return -EINVAL;
	if (o->server_name != NULL && o->tls == NULL)
		return -EINVAL;
	if (o->events == NULL && self == NULL)
		return -EDEADLK;
	return o->events == NULL && self->cancelled ? -ECANCELED : 0;
}

int
dial_parse(const char *url, struct arena *arena, struct cfg_address *a, int *ret_fd)
{
	struct err e = { 0 };
	char beyond;

	*ret_fd = -1;
	if (url == NULL)
		return -EINVAL;
	if (sscanf(url, "fd:%d%c", ret_fd, &beyond) == 1)
		return *ret_fd >= 0 ? 0 : -EINVAL;
	if (address_parse(url, arena, a, &e) < 0)
		return -EINVAL;
	return a->transport == CFG_TCP || a->transport == CFG_UDP || a->transport == CFG_UNIX ? 0 : -EINVAL;
}

struct conn_entries
dial_entries(const struct sockd_events *v)
{
	if (v == NULL)
		return (struct conn_entries){ 0 };
	return (struct conn_entries){ .open = v->open,
		.data = v->data,
		.eof = v->eof,
		.writable = v->writable,
		.timeout = v->timeout,
		.close = v->close };
}
