/* A ticket is sealed by the first key and opened by any; one that another than the first opened is renewed. A
 * key in memory seals for an hour and opens for as long again as a ticket lives, so that what is stolen from
 * memory opens little of what was recorded.
 *
 * OpenSSL asks for a key by a callback that has no argument of ours: the keys are found by the SSL_CTX that
 * they hang on. */
#include "net/tls_ticket.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "net/tls_private.h"

enum { NAME_SIZE = 16, HMAC_SIZE = 32, AES_SIZE = 32 };

struct ticket_key {
	unsigned char name[NAME_SIZE], hmac[HMAC_SIZE], aes[AES_SIZE];
};
_Static_assert(sizeof(struct ticket_key) == TLS_TICKET_KEY_SIZE, "a file is read as one");

enum { ROTATING_KEYS = 1 + TLS_TICKET_LIFETIME_S / TLS_TICKET_ROTATE_S };

struct tls_tickets {
	atomic_uint references;
	EVP_CIPHER *cipher; /* owned: fetched once, since a fetch costs more than sealing */
	bool rotates;
	pthread_mutex_t lock;    /* over the keys */
	struct ticket_key *keys; /* owned: the newest first */
	size_t count;
	int64_t made_s; /* when the first was */
};

static int64_t
monotonic_s(void)
{
	return clock_now_ms() / 1000;
}

/* ---- making ---- */

struct reading {
	const struct tls_reader *r;
	const struct cfg_tls *cfg;
	struct tls_tickets *t;
};

/* Room for one more key; realloc() would leave the others where they were. */
static int
grow(struct tls_tickets *t)
{
	struct ticket_key *keys = calloc(t->count + 1, sizeof *keys);

	if (keys == NULL)
		return -ENOMEM;
	if (t->count > 0) {
		memcpy(keys, t->keys, t->count * sizeof *keys);
		explicit_bzero(t->keys, t->count * sizeof *keys);
	}
	free(t->keys);
	t->keys = keys;
	return 0;
}

static int
add_file(void *arg, const struct tls_file *f)
{
	struct reading *reading = arg;
	struct tls_tickets *t = reading->t;

	if (f->size != TLS_TICKET_KEY_SIZE)
		return cfg_report_error(reading->r->report, &reading->cfg->ticket_keys_place,
			"'ticket_keys': %s has %zu bytes, and a key has %d: make one with `openssl rand -out "
			"%s "
			"%d`",
			f->path, f->size, TLS_TICKET_KEY_SIZE, f->path, TLS_TICKET_KEY_SIZE);
	if (grow(t) < 0)
		return cfg_report_no_memory(reading->r->report);
	memcpy(&t->keys[t->count++], f->bytes, sizeof t->keys[0]);
	return 0;
}

static int
make_first(struct tls_tickets *t)
{
	t->keys = calloc(ROTATING_KEYS, sizeof *t->keys);
	if (t->keys == NULL)
		return -ENOMEM;
	t->rotates = true;
	t->count = 1;
	t->made_s = monotonic_s();
	return RAND_priv_bytes((unsigned char *)t->keys, sizeof t->keys[0]) == 1 ? 0 : -EIO;
}

int
tls_tickets_new(const struct tls_reader *r, const struct cfg_tls *cfg, struct tls_tickets **ret)
{
	struct tls_tickets *t = mem_new(*t);
	struct reading reading = { r, cfg, t };
	int code;

	if (t == NULL)
		return cfg_report_no_memory(r->report);
	atomic_init(&t->references, 1);
	pthread_mutex_init(&t->lock, NULL);
	t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (t->cipher == NULL)
		code = cfg_report_error(r->report, &cfg->place,
			"this OpenSSL has no AES-256-CBC for session "
			"tickets; write 'session_tickets: false'");
	else if (cfg->ticket_keys.count > 0)
		code = tls_file_each(
			r, &cfg->ticket_keys, "ticket_keys", &cfg->ticket_keys_place, add_file, &reading);
	else {
		code = make_first(t);
		if (code == -ENOMEM)
			cfg_report_no_memory(r->report);
		else if (code < 0)
			cfg_report_error(
				r->report, &cfg->place, "there are no random bytes for a ticket key");
	}
	if (code < 0) {
		tls_tickets_unref(t);
		return code;
	}
	*ret = t;
	return 0;
}

struct tls_tickets *
tls_tickets_ref(struct tls_tickets *t)
{
	atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
	return t;
}

void
tls_tickets_unref(struct tls_tickets *t)
{
	if (t == NULL || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) != 1)
		return;
	if (t->keys != NULL)
		explicit_bzero(t->keys, t->count * sizeof *t->keys);
	free(t->keys);
	EVP_CIPHER_free(t->cipher);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

bool
tls_tickets_rotate(const struct tls_tickets *t)
{
	return t->rotates;
}

/* ---- using ---- */

/* With the lock. Each hour that went by since pushes the keys one place on. */
static void
rotate(struct tls_tickets *t)
{
	int64_t hours = t->rotates ? (monotonic_s() - t->made_s) / TLS_TICKET_ROTATE_S : 0;
	struct ticket_key fresh;

	if (hours > ROTATING_KEYS) { /* as many of them make all others old */
		t->made_s += (hours - ROTATING_KEYS) * TLS_TICKET_ROTATE_S;
		hours = ROTATING_KEYS;
	}
	for (int64_t i = 0; i < hours; i++) {
		if (RAND_priv_bytes((unsigned char *)&fresh, sizeof fresh) != 1)
			break; /* the old one goes on; the next ticket tries again */
		memmove(&t->keys[1], &t->keys[0], (ROTATING_KEYS - 1) * sizeof t->keys[0]);
		t->keys[0] = fresh;
		t->count = t->count < ROTATING_KEYS ? t->count + 1 : ROTATING_KEYS;
		t->made_s += TLS_TICKET_ROTATE_S;
	}
	if (hours > 0)
		explicit_bzero(&fresh, sizeof fresh);
}

/* @return the place of the key, or -1 */
static int
find(struct tls_tickets *t, const unsigned char *name, struct ticket_key *ret)
{
	int at = -1;

	pthread_mutex_lock(&t->lock);
	rotate(t);
	if (name == NULL)
		at = 0;
	for (size_t i = 0; name != NULL && i < t->count && at < 0; i++)
		if (memcmp(t->keys[i].name, name, NAME_SIZE) == 0)
			at = (int)i;
	if (at >= 0)
		*ret = t->keys[at];
	pthread_mutex_unlock(&t->lock);
	return at;
}

static int
set_hmac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac, sizeof key->hmac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params);
}

static int
seal(const struct tls_tickets *t, struct ticket_key *key, unsigned char *name, unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(t->cipher)) != 1)
		return -1;
	memcpy(name, key->name, NAME_SIZE);
	if (EVP_EncryptInit_ex2(cipher, t->cipher, key->aes, iv, NULL) != 1 || set_hmac(mac, key) != 1)
		return -1;
	return 1;
}

/* OpenSSL's contract: 1: done, 2: done, and give a new ticket, 0: no such key, -1: an error. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
	int sealing)
{
	struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct tls_tickets *t = context->tickets;
	struct ticket_key key;
	int at = find(t, sealing ? NULL : name, &key), result;

	if (at < 0)
		return 0;
	if (sealing)
		result = seal(t, &key, name, iv, cipher, mac);
	else if (set_hmac(mac, &key) != 1 || EVP_DecryptInit_ex2(cipher, t->cipher, key.aes, iv, NULL) != 1)
		result = -1;
	else
		result = at == 0 ? 1 : 2;
	explicit_bzero(&key, sizeof key);
	return result;
}

void
tls_tickets_use(SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
