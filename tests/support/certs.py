"""Certificates for tests, made by the openssl command in a folder of the test's own.

    ca = Authority(tmp)                          # an authority with a root
    site = ca.issue("site", dns=["localhost"])   # site.crt and site.key
    client = ca.issue("client", uri=["spiffe://example.org/a"], client=True)
    ca.revoke(client); ca.crl()                  # crl.pem
    ca.ocsp(site)                                # site.ocsp: what the authority's responder would say

Each is a Certificate with .cert, .key (paths), .both (one file) and .sha256.
"""

import hashlib
import pathlib
import ssl
import subprocess

KEYS = {
    "ec": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "rsa1024": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
    "ed25519": ("-algorithm", "ED25519"),
}


def openssl(*args, text=None):
    """Run the command. @return what it prints"""
    done = subprocess.run(["openssl", *map(str, args)], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(map(str, args))}: {done.stderr}")
    return done.stdout


class Certificate:
    def __init__(self, folder, name):
        self.cert, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        self.both = folder / f"{name}.pem"

    @property
    def sha256(self):
        der = ssl.PEM_cert_to_DER_cert(first_pem(self.cert.read_text()))
        return hashlib.sha256(der).hexdigest()


def first_pem(text):
    end = "-----END CERTIFICATE-----"
    return text[text.index("-----BEGIN"):text.index(end) + len(end)] + "\n"


class Authority:
    """A root, or with parent= an authority between a root and others."""

    def __init__(self, folder, name="ca", parent=None):
        self.folder, self.name = pathlib.Path(folder), name
        self.cert, self.key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        self.database = self.folder / f"{name}.index"
        self.database.touch()
        self.config = self.folder / f"{name}.cnf"
        self.config.write_text(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {self.database}\ndefault_md = sha256\n"
                               f"crlnumber = {self.folder / (name + '.number')}\ndefault_crl_days = 30\n"
                               f"new_certs_dir = {self.folder}\nrand_serial = yes\npolicy = p\n"
                               "[p]\ncommonName = optional\n")
        (self.folder / f"{name}.number").write_text("01\n")
        openssl("genpkey", *KEYS["ec"], "-out", self.key)
        if parent is None:
            openssl("req", "-x509", "-new", "-key", self.key, "-days", "400", "-subj", f"/CN={name} root",
                    "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.cert)
        else:
            parent.sign(self.key, self.cert, f"/CN={name} authority",
                        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")

    def sign(self, key, cert, subject, extensions, days=200, begins=None):
        """A negative number of days: it has expired. begins= is a time such as 20990101000000Z."""
        request, ext = cert.with_suffix(".csr"), cert.with_suffix(".ext")
        ext.write_text(extensions)
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        if begins is not None:
            openssl("ca", "-batch", "-notext", "-config", self.config, "-keyfile", self.key, "-cert", self.cert, "-in",
                    request, "-startdate", begins, "-days", days, "-extfile", ext, "-out", cert)
            return
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-days", days, "-extfile", ext,
                "-out", cert, "-CAcreateserial")

    def issue(self, name, kind="ec", dns=(), uri=(), email=(), ip=(), subject=None, client=False, days=200, extra="",
              chain=(), begins=None):
        """A certificate of this authority; chain= are authorities whose certificates follow it in the file."""
        c = Certificate(self.folder, name)
        openssl("genpkey", *KEYS[kind], "-out", c.key)
        c.key.chmod(0o600)
        names = [*(f"DNS:{n}" for n in dns), *(f"URI:{n}" for n in uri), *(f"email:{n}" for n in email),
                 *(f"IP:{n}" for n in ip)]
        extensions = f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}\n{extra}"
        if names:
            extensions += f"subjectAltName={','.join(names)}\n"
        self.sign(c.key, c.cert, subject or f"/CN={name}", extensions, days, begins)
        for authority in chain:
            with c.cert.open("a") as f:
                f.write(authority.cert.read_text())
        c.both.write_text(c.cert.read_text() + c.key.read_text())
        c.both.chmod(0o600)
        return c

    def revoke(self, certificate):
        openssl("ca", "-config", self.config, "-keyfile", self.key, "-cert", self.cert, "-revoke", certificate.cert)

    def crl(self, name="crl.pem", days=None):
        """A list of what was revoked. @return its path"""
        path = self.folder / name
        openssl("ca", "-config", self.config, "-keyfile", self.key, "-cert", self.cert, "-gencrl", "-out", path,
                *(("-crldays", days) if days is not None else ()))
        return path

    def ocsp(self, certificate, name=None):
        """The authority's answer about a certificate, good for a day: "unknown" of one issued without begins=, which
        the database does not hold. @return its path"""
        path = self.folder / (name or certificate.cert.stem + ".ocsp")
        openssl("ocsp", "-index", self.database, "-CA", self.cert, "-rsigner", self.cert, "-rkey", self.key, "-issuer",
                self.cert, "-cert", certificate.cert, "-ndays", "1", "-respout", path, "-noverify")
        return path
