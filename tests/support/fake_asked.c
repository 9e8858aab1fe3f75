/* What a test sets beforehand and asks afterwards. */
#include "fake.h"

void
sockd_fake_set_room(struct sockd_fake *f, size_t bytes)
{
	f->room = bytes;
}

void
sockd_fake_set_read_buffer(struct sockd_fake *f, size_t bytes)
{
	f->read_buffer = bytes;
}

void
sockd_fake_set_remote(struct sockd_fake *f, const struct sockd_addr *address, const char *text)
{
	f->address = f->local = *address;
	f->remote_text = text;
}

void
sockd_fake_set_local(struct sockd_fake *f, const struct sockd_addr *address)
{
	f->local = *address;
}

void
sockd_fake_set_cred(struct sockd_fake *f, const struct sockd_cred *cred)
{
	f->cred = cred;
}

void
sockd_fake_set_tls(struct sockd_fake *f, const struct sockd_tls_info *tls)
{
	f->tls = tls;
}

void
sockd_fake_set_proxy(struct sockd_fake *f, const struct sockd_addr *address)
{
	f->proxy = address;
}

int
sockd_fake_reason(const struct sockd_fake *f)
{
	return f->reason;
}

unsigned
sockd_fake_closes(const struct sockd_fake *f)
{
	return f->closes;
}

bool
sockd_fake_write_closed(const struct sockd_fake *f)
{
	return f->write_closed;
}

const char *
sockd_fake_error(const struct sockd_fake *f)
{
	return f->error_text;
}

const char *
sockd_fake_log(const struct sockd_fake *f)
{
	return f->log_text;
}
