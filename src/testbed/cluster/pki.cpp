#include "testbed/cluster/pki.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "testbed/cluster/kubeconfig.h"
#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;

struct User {
  std::string name;     // of the files
  std::string subject;  // "/O=system:nodes/CN=system:node:worker1"
};

std::vector<User> users(const Settings& settings) {
  std::vector<User> result{
      {kAdmin, "/O=system:masters/CN=admin"},
      {"kube-controller-manager", "/CN=system:kube-controller-manager"},
      {"kube-scheduler", "/CN=system:kube-scheduler"},
      {"kube-proxy", "/CN=system:kube-proxy"},
  };
  for (const auto& node : testbed::topology(settings.underlay).nodes) {
    result.push_back(
        {node_user(node.name), fmt::format("/O=system:nodes/CN=system:node:{}", node.name)});
  }
  return result;
}

Result<void> openssl(std::vector<std::string> arguments) {
  constexpr std::chrono::seconds kLimit{20};
  arguments.insert(arguments.begin(), "openssl");
  const auto done = testbed::run({.arguments = arguments}, kLimit);
  if (!done) return tl::unexpected(done.error());
  if (done->status == 0) return {};
  return failure("run", fmt::format("{}", fmt::join(arguments, " ")), done->err);
}

constexpr const char* kDays = "3650";

/// The names that the API server answers to.
std::string api_names(const Settings& settings) {
  std::string names =
      "subjectAltName=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
      "DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const auto& address : api_services(settings)) names += ",IP:" + address;
  for (const auto& address : control_node(settings).addresses) names += ",IP:" + address;
  return names;
}

Result<void> make_authority(const Places& places) {
  if (fs::exists(places.pki("ca.crt"))) return {};
  return openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                  "-nodes", "-days", kDays, "-subj", "/CN=sextant-testbed", "-addext",
                  "basicConstraints=critical,CA:TRUE", "-addext",
                  "keyUsage=critical,keyCertSign,cRLSign", "-keyout", places.pki("ca.key"), "-out",
                  places.pki("ca.crt")});
}

Result<void> make_certificate(const Places& places, const std::string& name,
                              const std::string& subject,
                              const std::vector<std::string>& extensions) {
  const fs::path certificate = places.pki(name + ".crt");
  if (fs::exists(certificate)) return {};
  std::vector<std::string> arguments{"req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:prime256v1",
                                     "-nodes",
                                     "-days",
                                     kDays,
                                     "-CA",
                                     places.pki("ca.crt"),
                                     "-CAkey",
                                     places.pki("ca.key"),
                                     "-subj",
                                     subject,
                                     "-addext",
                                     "basicConstraints=critical,CA:FALSE",
                                     "-keyout",
                                     places.pki(name + ".key"),
                                     "-out",
                                     certificate};
  for (const std::string& each : extensions) {
    arguments.emplace_back("-addext");
    arguments.push_back(each);
  }
  return openssl(std::move(arguments));
}

Result<void> write_kubeconfig(const Places& places, const Settings& settings,
                              const std::string& user) {
  // Controller manager and scheduler live beside the API server, whose address may be changed for
  // tests.
  return testbed::write_file(places.kubeconfig(user),
                             kubeconfig_text(settings, user,
                                             {.authority = places.pki("ca.crt"),
                                              .certificate = places.pki(user + ".crt"),
                                              .key = places.pki(user + ".key")}));
}

}  // namespace

std::string node_user(std::string_view node) { return fmt::format("node-{}", node); }

Result<void> make_credentials(const Places& places, const Settings& settings) {
  for (const fs::path& folder :
       {places.pki("x").parent_path(), places.kubeconfig("x").parent_path()}) {
    if (auto made = testbed::make_directory(folder); !made) return made;
    fs::permissions(folder, fs::perms::owner_all);
  }
  if (auto made = make_authority(places); !made) return made;
  const std::string client = "extendedKeyUsage=clientAuth";
  const std::string server = "extendedKeyUsage=serverAuth";
  auto made = make_certificate(places, "kube-apiserver", "/CN=kube-apiserver",
                               {server, api_names(settings)});
  if (!made) return made;
  made =
      make_certificate(places, "kubelet-client", "/O=system:masters/CN=kube-apiserver", {client});
  if (!made) return made;
  for (const User& user : users(settings)) {
    made = make_certificate(places, user.name, user.subject, {client});
    if (!made) return made;
    if (made = write_kubeconfig(places, settings, user.name); !made) return made;
  }
  if (fs::exists(places.pki("service-accounts.key"))) return {};
  // The API server takes the public half out of it, which it does for this form (SEC 1) only.
  return openssl({"ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
                  places.pki("service-accounts.key")});
}

}  // namespace sextant::cluster
