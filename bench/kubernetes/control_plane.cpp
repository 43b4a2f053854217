#include "kubernetes/control_plane.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "common/program.h"
#include "testbed/files.h"

namespace sextant::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kLookAgain{50};  // readiness cannot be waited for
constexpr const char* kAdminToken = "bench-admin";
constexpr const char* kAgentToken = "bench-agent";

/// Only the agent's requests, each when it is answered; of a watch, when it begins.
constexpr const char* kAuditPolicy = R"(apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["{}"]
- level: None
)";

constexpr const char* kKubeconfig = R"(apiVersion: v1
kind: Config
clusters:
- name: bench
  cluster: {{server: "https://[{}]:{}", certificate-authority: "{}"}}
users:
- name: user
  user: {{token: "{}"}}
contexts:
- name: bench
  context: {{cluster: bench, user: user}}
current-context: bench
)";

/// Where ./run has built Kubernetes' programs.
fs::path kubernetes_folder() {
  const char* given = std::getenv("SEXTANT_KUBERNETES");
  if (given == nullptr) {
    throw std::runtime_error(
        "SEXTANT_KUBERNETES does not name the folder of kube-apiserver and kubectl; `./run bench "
        "kubernetes` builds them and sets it");
  }
  for (const char* program : {"kube-apiserver", "kubectl"}) {
    if (::access((fs::path(given) / program).c_str(), X_OK) != 0) {
      throw std::runtime_error(fmt::format("there is no {} in {}", program, given));
    }
  }
  return given;
}

/// The folder of the sources' manifests: deploy/.
fs::path deploy_folder() { return fs::path(SEXTANT_SOURCE_DIR) / "deploy"; }

}  // namespace

ControlPlane::ControlPlane(const Space& space, const std::string& address)
    : space_(space), data_("/dev/shm") {
  const fs::path programs = kubernetes_folder();
  access_ = {.from = &space, .address = "::1", .ca = file("server.crt"), .token = kAdminToken};
  make_credentials(address);
  etcd_.emplace(space,
                std::vector<std::string>{"etcd", "--name=bench",
                                         "--data-dir=" + data_.path().string(), "--logger=zap",
                                         "--log-outputs=stderr", "--quota-backend-bytes=8589934592",
                                         "--listen-client-urls=http://127.0.0.1:2379",
                                         "--advertise-client-urls=http://127.0.0.1:2379",
                                         "--listen-peer-urls=http://127.0.0.1:2380",
                                         "--initial-advertise-peer-urls=http://127.0.0.1:2380",
                                         "--initial-cluster=bench=http://127.0.0.1:2380"},
                file("etcd.log"));
  server_.emplace(space,
                  std::vector<std::string>{
                      programs / "kube-apiserver",
                      "--etcd-servers=http://127.0.0.1:2379",
                      "--bind-address=::",
                      fmt::format("--secure-port={}", access_.port),
                      "--advertise-address=192.0.2.1",
                      "--endpoint-reconciler-type=none",
                      "--service-cluster-ip-range=10.96.0.0/16",
                      "--tls-cert-file=" + file("server.crt").string(),
                      "--tls-private-key-file=" + file("server.key").string(),
                      "--token-auth-file=" + file("tokens.csv").string(),
                      "--authorization-mode=Node,RBAC",
                      "--service-account-issuer=https://kubernetes.default.svc",
                      "--service-account-signing-key-file=" + file("accounts.key").string(),
                      "--service-account-key-file=" + file("accounts.key").string(),
                      "--audit-policy-file=" + file("audit.yaml").string(),
                      "--audit-log-path=" + file("audit.log").string(),
                      "--allow-privileged=true",
                      "--feature-gates=IPv6DualStack=true",
                      "--max-requests-inflight=2000",
                      "--max-mutating-requests-inflight=1000"},
                  file("kube-apiserver.log"));
  std::string last = "no connection";
  for (const auto end = Clock::now() + kPatience;; std::this_thread::sleep_for(kLookAgain)) {
    check_interruption();
    check();
    try {
      const auto reply = Api(access_).request("GET", "/readyz");
      if (reply.status == 200) break;
      last = reply.body;
    } catch (const std::runtime_error& error) {
      last = error.what();
    }
    if (Clock::now() > end) {
      throw std::runtime_error("kube-apiserver does not get ready: " + last + log_end());
    }
  }
  install();
}

void ControlPlane::make_credentials(const std::string& address) {
  space_.run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
              "-nodes", "-keyout", file("server.key"), "-out", file("server.crt"), "-days", "2",
              "-subj", "/CN=kube-apiserver", "-addext",
              fmt::format("subjectAltName=IP:{},IP:::1,IP:127.0.0.1", address)});
  space_.run({"openssl", "genrsa", "-out", file("accounts.key"), "2048"});
  must(testbed::write_file(
      file("tokens.csv"),
      fmt::format("{},admin,admin,\"system:masters\"\n{},{},agent,\"system:serviceaccounts,"
                  "system:serviceaccounts:sextant-system\"\n",
                  kAdminToken, kAgentToken, kAgentUser)));
  must(
      testbed::write_file(file("audit.yaml"), fmt::format(fmt::runtime(kAuditPolicy), kAgentUser)));
  const auto kubeconfig = [&](const std::string& server, const char* token) {
    return fmt::format(fmt::runtime(kKubeconfig), server, access_.port, file("server.crt").string(),
                       token);
  };
  must(testbed::write_file(file("agent.kubeconfig"), kubeconfig(address, kAgentToken)));
  must(testbed::write_file(file("admin.kubeconfig"), kubeconfig("::1", kAdminToken)));
}

fs::path ControlPlane::agent_kubeconfig() const { return file("agent.kubeconfig"); }

void ControlPlane::install() {
  const auto kubectl = [&](std::vector<std::string> words) {
    words.insert(words.begin(),
                 {kubernetes_folder() / "kubectl", "--kubeconfig", file("admin.kubeconfig")});
    space_.run(words);
  };
  kubectl({"apply", "-k", deploy_folder() / "crds"});
  kubectl({"wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"});
  for (const char* part : {"namespace", "service-account", "cluster-role", "role",
                           "config-maps-role", "events-role"}) {
    kubectl({"apply", "-f", deploy_folder() / "base" / fmt::format("{}.yaml", part)});
  }
}

void ControlPlane::check() const {
  try {
    etcd_->check();
    server_->check();
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(error.what() + log_end());
  }
}

std::string ControlPlane::log_end() const {
  constexpr std::size_t kShown = 2000;
  std::string text;
  for (const auto* name : {"etcd.log", "kube-apiserver.log"}) {
    const auto log = testbed::read_file(file(name));
    if (!log) continue;
    text += fmt::format("\n{}:\n{}", name,
                        log->size() > kShown ? log->substr(log->size() - kShown) : *log);
  }
  return text;
}

std::map<std::string, std::size_t> ControlPlane::agent_requests() const {
  std::map<std::string, std::size_t> counts;
  std::set<std::string> watches;
  std::ifstream log(file("audit.log"));
  for (std::string line; std::getline(log, line);) {
    boost::system::error_code broken;  // the line that is being written
    const auto event = boost::json::parse(line, broken);
    if (broken) continue;
    const auto text = [&](const boost::json::object& from, const char* key) {
      const auto* value = from.if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
    };
    const auto& fields = event.as_object();
    // A watch has two lines, when it begins and when it ends.
    if (text(fields, "verb") == "watch" && !watches.insert(text(fields, "auditID")).second) {
      continue;
    }
    std::string resource;
    if (const auto* reference = fields.if_contains("objectRef")) {
      resource = text(reference->as_object(), "resource");
      const auto part = text(reference->as_object(), "subresource");
      if (!part.empty()) resource += "/" + part;
    } else {
      resource = text(fields, "requestURI");
    }
    ++counts[fmt::format("{} {} {}", text(fields, "verb"), resource,
                         fields.at("responseStatus").at("code").to_number<int>())];
  }
  return counts;
}

}  // namespace sextant::bench
