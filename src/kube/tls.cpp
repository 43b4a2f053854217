#include "kube/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

namespace sextant::kube {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

Result<void> trust(SSL_CTX* context, const std::string& ca) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(ca.data(), static_cast<int>(ca.size())));
  auto* const store = SSL_CTX_get_cert_store(context);
  int count = 0;
  ERR_clear_error();
  while (true) {
    const std::unique_ptr<X509, Free> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    X509_STORE_add_cert(store, certificate.get());
    ++count;
  }
  const auto last = ERR_peek_last_error();
  ERR_clear_error();
  if (count == 0 || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
    return failure("read", "certificate-authority",
                   count == 0 ? "there is no certificate in it" : "one of its certificates is bad",
                   "it must hold PEM certificates");
  return {};
}

Result<void> identify(ssl::context& context, const TlsMaterial& material) {
  error_code error;
  ERR_clear_error();
  context.use_certificate_chain(boost::asio::buffer(material.cert), error);
  if (error)
    return failure("read", "client-certificate", error.message(), "it must be a PEM certificate");
  context.use_private_key(boost::asio::buffer(material.key), ssl::context::pem, error);
  if (error)
    return failure("read", "client-key", error.message(),
                   "it must be the certificate's PEM key, not encrypted");
  if (SSL_CTX_check_private_key(context.native_handle()) != 1)
    return failure("read", "client-key", "it does not belong to client-certificate");
  return {};
}

}  // namespace

std::string tls_errors() {
  std::string text;
  while (const auto error = ERR_get_error()) {
    char buffer[256];
    ERR_error_string_n(error, buffer, sizeof buffer);
    if (!text.empty()) text += "; ";
    text += buffer;
  }
  return text;
}

Result<std::shared_ptr<ssl::context>> make_tls_context(const TlsMaterial& material) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  auto* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // Asio's own callback never prompts; OpenSSL's would read from the terminal.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return ""; });
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(native, kProtocols, sizeof kProtocols - 1);

  if (material.insecure) {
    context->set_verify_mode(ssl::verify_none);
  } else {
    context->set_verify_mode(ssl::verify_peer);
    X509_STORE_set_flags(SSL_CTX_get_cert_store(native), X509_V_FLAG_PARTIAL_CHAIN);
    if (material.ca.empty()) {
      error_code error;
      context->set_default_verify_paths(error);
      if (error) return failure("read", "the system's authorities", error.message());
    } else if (auto trusted = trust(native, material.ca); !trusted) {
      return tl::unexpected(trusted.error());
    }
  }
  if (material.cert.empty() != material.key.empty())
    return failure("read", material.cert.empty() ? "client-key" : "client-certificate",
                   "a certificate and its key are needed, only one of them is there");
  if (!material.cert.empty())
    if (auto identified = identify(*context, material); !identified)
      return tl::unexpected(identified.error());
  return context;
}

}  // namespace sextant::kube
