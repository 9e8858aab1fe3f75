/* Metrics of the fakes: the same rules as in sockd, and numbers that a test can read. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool
is_good(const char *name)
{
	size_t size = strlen(name);

	return size > 0 && size < sizeof((struct fake_metric *)NULL)->name && name[0] >= 'a' &&
	       name[0] <= 'z' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size &&
	       (size < 6 || strcmp(name + size - 6, "_total") != 0);
}

uint64_t
fake_metric_register(struct sockd_host h, int kind, const char *name, const char *help)
{
	struct sockd_fake *f = fake_scope(h);
	struct fake_metric *m;

	if (f == NULL)
		return 0;
	f = f->root;
	if (kind < 1 || kind > 2 || name == NULL || help == NULL || !is_good(name)) {
		errno = EINVAL;
		return 0;
	}
	for (size_t i = 0; i < f->metric_count; i++) {
		if (strcmp(f->metrics[i].name, name) != 0)
			continue;
		if (f->metrics[i].kind == kind)
			return i + 1;
		errno = EEXIST;
		return 0;
	}
	if (f->metric_count == FAKE_METRICS) {
		errno = ENOSPC;
		return 0;
	}
	m = &f->metrics[f->metric_count++];
	m->kind = kind;
	snprintf(m->name, sizeof m->name, "%s", name);
	return f->metric_count;
}

int
fake_metric_add(struct sockd_host h, uint64_t metric, int64_t n)
{
	struct sockd_fake *f = fake_scope(h);

	if (f == NULL)
		return -1;
	f = f->root;
	if (metric == 0 || metric > f->metric_count) {
		errno = ENOENT;
		return -1;
	}
	if (n < 0 && f->metrics[metric - 1].kind == 1) {
		errno = EINVAL;
		return -1;
	}
	__atomic_fetch_add(&f->metrics[metric - 1].value, n, __ATOMIC_RELAXED);
	return 0;
}

int64_t
sockd_fake_metric(const struct sockd_fake *f, const char *name)
{
	for (size_t i = 0; i < f->metric_count; i++)
		if (strcmp(f->metrics[i].name, name) == 0)
			return __atomic_load_n(&f->metrics[i].value, __ATOMIC_RELAXED);
	errno = ENOENT;
	return -1;
}
