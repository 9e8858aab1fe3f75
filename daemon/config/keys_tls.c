/* The keys of a map of TLS settings, named or at a listener, and those of a certificate in it. */
#include "config/key.h"

#include "base/cleanup.h"

#define FIELD(member)        KEY_FIELD(struct cfg_tls, member)
#define PLACE(member)        .place_offset = offsetof(struct cfg_tls, member)
#define CERT_FIELD(member)   KEY_FIELD(struct cfg_certificate, member)
#define CERT_PLACE(member)   .place_offset = offsetof(struct cfg_certificate, member)
#define FOR_NEW_CONNECTIONS_ .reload = KEY_NEW_CONNECTIONS

static const struct key_word version_words[] = { { "1.2", 0x0303 }, { "1.3", 0x0304 }, { 0 } };
static const struct key_word server_words[] = { { "none", CFG_VERIFY_NONE },
	{ "required", CFG_VERIFY_REQUIRED }, { 0 } };
static const struct key_word client_words[] = { { "none", CFG_VERIFY_NONE },
	{ "optional", CFG_VERIFY_OPTIONAL }, { "required", CFG_VERIFY_REQUIRED }, { 0 } };
static const struct key_word start_words[] = { { "accept", false }, { "handler", true }, { 0 } };

static const struct key tls_keys[] = {
	{ .name = "use",
		.type = KEY_TEXT,
		.help = "The name of an entry of tls:, which no other key but 'start' may then go with",
		.own = true,
		FOR_NEW_CONNECTIONS_,
		FIELD(use),
		PLACE(use_place) },
	{ .name = "start",
		.type = KEY_WORD,
		.help = "accept: a connection begins with TLS; handler: it begins plain, and the plugin "
			"begins TLS (STARTTLS)",
		.fallback = "accept",
		.words = start_words,
		.own = true,
		FOR_NEW_CONNECTIONS_,
		FIELD(by_handler) },
	{ .name = "certificates",
		.type = KEY_CERTIFICATES,
		.help = "Certificates with their keys. Several are chosen from by the name that the client "
			"asks "
			"for (SNI) and by the kinds of key that it takes; the first is the default. A "
			"listener "
			"needs at least one",
		.also = "certificate cert certs crt",
		FOR_NEW_CONNECTIONS_,
		FIELD(certificates),
		PLACE(certificates_place) },
	{ .name = "min_version",
		.type = KEY_WORD,
		.help = "The oldest version of TLS that is spoken",
		.fallback = "\"1.2\"",
		.also = "min_protocol minimum_version",
		.words = version_words,
		FOR_NEW_CONNECTIONS_,
		FIELD(min_version) },
	{ .name = "max_version",
		.type = KEY_WORD,
		.help = "The newest version of TLS that is spoken",
		.fallback = "\"1.3\"",
		.also = "max_protocol maximum_version",
		.words = version_words,
		FOR_NEW_CONNECTIONS_,
		FIELD(max_version),
		PLACE(max_version_place) },
	{ .name = "ciphers",
		.type = KEY_TEXT,
		.help = "Ciphers of TLS 1.2, as an OpenSSL cipher list; ours is the order that counts. Not "
			"given: "
			"ECDHE with AES-GCM or ChaCha20-Poly1305",
		.also = "cipher cipher_list",
		FOR_NEW_CONNECTIONS_,
		FIELD(ciphers),
		PLACE(ciphers_place) },
	{ .name = "ciphersuites",
		.type = KEY_TEXT,
		.help = "Ciphers of TLS 1.3, names with a colon between them. Not given: OpenSSL's three",
		.also = "cipher_suites",
		FOR_NEW_CONNECTIONS_,
		FIELD(ciphersuites),
		PLACE(ciphersuites_place) },
	{ .name = "groups",
		.type = KEY_TEXT,
		.help = "Curves and groups of the key exchange, with a colon between them",
		.fallback = "X25519:P-256:P-384",
		.also = "curves curve ecdh_curve",
		FOR_NEW_CONNECTIONS_,
		FIELD(groups),
		PLACE(groups_place) },
	{ .name = "alpn",
		.type = KEY_TEXTS,
		.help = "Protocols that a client may choose from (ALPN), the dearest first; a client that "
			"offers "
			"none of them is refused, one that offers nothing is not. Dialled with, they are "
			"what is offered",
		.also = "protocols npn",
		FOR_NEW_CONNECTIONS_,
		FIELD(alpn),
		PLACE(alpn_place) },
	{ .name = "server",
		.type = KEY_MAP,
		.help = "How a server is verified when a plugin dials with these settings; the certificates "
			"are "
			"then what we show to it" },
	{ .name = "server.verify",
		.type = KEY_WORD,
		.help = "Whether its certificate has to be valid and to carry the name that was dialled",
		.fallback = "required",
		.words = server_words,
		FOR_NEW_CONNECTIONS_,
		FIELD(server.verify) },
	{ .name = "server.ca",
		.type = KEY_PATHS,
		.help = "Files with the certificates of authorities, or folders of such files. Not given: "
			"those "
			"that the system trusts",
		FOR_NEW_CONNECTIONS_,
		FIELD(server.ca),
		PLACE(server.ca_place) },
	{ .name = "client", .type = KEY_MAP, .help = "How clients are verified", .also = "clients mtls" },
	{ .name = "client.verify",
		.type = KEY_WORD,
		.help = "none: no certificate is asked for; optional: one that is shown has to be valid; "
			"required: a valid one has to be shown",
		.fallback = "none",
		.also = "auth verify_client",
		.words = client_words,
		FOR_NEW_CONNECTIONS_,
		FIELD(client.verify),
		PLACE(client.verify_place) },
	{ .name = "client.ca",
		.type = KEY_PATHS,
		.help = "Files with the certificates of the authorities that may sign those of clients, or "
			"folders of such files",
		.also = "cafile ca_file",
		FOR_NEW_CONNECTIONS_,
		FIELD(client.ca),
		PLACE(client.ca_place) },
	{ .name = "client.depth",
		.type = KEY_INTEGER,
		.help = "Intermediate authorities that may stand between a client's certificate and one of "
			"those",
		.fallback = "4",
		.min = 0,
		.max = 32,
		FOR_NEW_CONNECTIONS_,
		FIELD(client.depth) },
	{ .name = "client.crl",
		.type = KEY_PATHS,
		.help = "Files with lists of revoked certificates, or folders of such files; the authority "
			"that "
			"signed a client's certificate has to have one in it",
		FOR_NEW_CONNECTIONS_,
		FIELD(client.crl),
		PLACE(client.crl_place) },
	{ .name = "client.allow_san",
		.type = KEY_TEXTS,
		.help = "Names, one of which a client's certificate has to carry: DNS names, URIs and e-mail "
			"addresses; a * stands for any run of characters but dots in a DNS name, and for any "
			"run "
			"at all elsewhere",
		.also = "allow_sans allow_names",
		FOR_NEW_CONNECTIONS_,
		FIELD(client.allow_san),
		PLACE(client.san_place) },
	{ .name = "client.allow_fingerprint",
		.type = KEY_TEXTS,
		.help = "SHA-256 fingerprints in hexadecimal, colons allowed, one of which a client's "
			"certificate "
			"has to have; without 'ca' nobody needs to have signed it",
		.also = "allow_fingerprints fingerprints",
		FOR_NEW_CONNECTIONS_,
		FIELD(client.allow_fingerprint),
		PLACE(client.fingerprint_place) },
	{ .name = "session_tickets",
		.type = KEY_BOOL,
		.help = "Let clients come back without a full handshake, and come back to servers so",
		.fallback = "true",
		.also = "tickets",
		FOR_NEW_CONNECTIONS_,
		FIELD(session_tickets) },
	{ .name = "ticket_keys",
		.type = KEY_PATHS,
		.help = "Files of 80 random bytes that seal the tickets, shared by several machines, the "
			"newest "
			"first. Not given: keys in memory that change every hour",
		.also = "ticket_key session_ticket_keys",
		FOR_NEW_CONNECTIONS_,
		FIELD(ticket_keys),
		PLACE(ticket_keys_place) },
	{ .name = "ocsp",
		.type = KEY_PATHS,
		.help = "Files with OCSP responses in DER, each stapled to the certificate that it is about",
		.also = "ocsp_response stapling",
		FOR_NEW_CONNECTIONS_,
		FIELD(ocsp),
		PLACE(ocsp_place) },
	{ .name = "watch",
		.type = KEY_BOOL,
		.help = "Reload when these files change; a faulty new one keeps the old one serving",
		.fallback = "true",
		FOR_NEW_CONNECTIONS_,
		FIELD(watch) },
};

static const struct key certificate_keys[] = {
	{ .name = "cert",
		.type = KEY_PATH,
		.help = "The file of the certificate, then those of the authorities between it and the root",
		.example = "site.crt",
		.also = "certificate crt chain pem",
		.required = true,
		FOR_NEW_CONNECTIONS_,
		CERT_FIELD(cert),
		CERT_PLACE(cert_place) },
	{ .name = "key",
		.type = KEY_PATH,
		.help = "The file of the private key; not given: it is in the file of the certificate",
		.also = "private_key",
		FOR_NEW_CONNECTIONS_,
		CERT_FIELD(key),
		CERT_PLACE(key_place) },
	{ .name = "key_passphrase",
		.type = KEY_SECRET,
		.help = "What the private key is encrypted with: {file: PATH}, {credential: NAME}, or the "
			"words "
			"themselves",
		.also = "passphrase password key_password",
		FOR_NEW_CONNECTIONS_,
		CERT_FIELD(passphrase),
		CERT_PLACE(passphrase_place) },
};

const struct key_table key_table_tls = { "a tls map", tls_keys, array_len(tls_keys), sizeof(struct cfg_tls) };
const struct key_table key_table_certificate = { "a certificate", certificate_keys,
	array_len(certificate_keys), sizeof(struct cfg_certificate) };
