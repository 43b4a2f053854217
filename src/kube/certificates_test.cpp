#include "kube/certificates_test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace sextant::kube {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void must(bool fine) {
  if (!fine) throw std::runtime_error("OpenSSL");
}

template <typename Write>
std::string as_pem(Write&& write) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  must(write(bio.get()) == 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Owned<X509> unsigned_certificate(const std::string& name, EVP_PKEY* key, const Wish& wish) {
  static long serial = 1;
  Owned<X509> certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), static_cast<long>(wish.from.count()));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), static_cast<long>(wish.until.count()));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  must(X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

}  // namespace

struct TestAuthority::State {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
  std::string pem;
};

TestAuthority::TestAuthority(const std::string& name) : state_(std::make_unique<State>()) {
  state_->key.reset(EVP_EC_gen("P-256"));
  Wish wish;
  wish.until = std::chrono::hours(24);
  state_->certificate = unsigned_certificate(name, state_->key.get(), wish);
  auto* const certificate = state_->certificate.get();
  must(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1);
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
  must(X509_sign(certificate, state_->key.get(), EVP_sha256()) > 0);
  state_->pem = as_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

TestAuthority::~TestAuthority() = default;

const std::string& TestAuthority::cert() const { return state_->pem; }

Identity TestAuthority::issue(const Wish& wish) const {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const auto certificate = unsigned_certificate(wish.common_name, key.get(), wish);
  must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(state_->certificate.get())) ==
       1);
  std::string names;
  for (const auto& name : wish.alternative_names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty())
    add_extension(certificate.get(), state_->certificate.get(), NID_subject_alt_name, names);
  must(X509_sign(certificate.get(), state_->key.get(), EVP_sha256()) > 0);
  return {.cert = as_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }),
          .key = as_pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace sextant::kube
