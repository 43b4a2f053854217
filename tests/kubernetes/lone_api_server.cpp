#include "lone_api_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/unique_fd.h"
#include "testbed/cluster/programs.h"
#include "testbed/process.h"

namespace sextant::kubernetes_tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr auto kToken = "administrators-token";
constexpr auto kAgentToken = "agents-token";
constexpr seconds kComesUp{60};

/// A port of 127.0.0.1 that nobody has at the moment.
int free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

}  // namespace

Result<std::unique_ptr<LoneApiServer>> LoneApiServer::start() {
  const auto programs = cluster::find_programs();
  if (!programs) return tl::unexpected(programs.error());
  std::unique_ptr<LoneApiServer> server(new LoneApiServer());
  auto name = (fs::temp_directory_path() / "sextant-api-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return system_error("make", name, errno);
  server->folder_ = name;
  server->kubectl_ = programs->kubectl;
  const auto file = [&name](const char* of) { return name + "/" + of; };
  std::ofstream(file("tokens")) << kToken << ",admin,admin,system:masters\n"
                                << kAgentToken << ",agent,agent\n";
  const auto key =
      testbed::run({.arguments = {"openssl", "genrsa", "-out", file("key"), "2048"}}, seconds(30));
  if (!key) return tl::unexpected(key.error());

  const auto etcd = fmt::format("http://127.0.0.1:{}", free_port());
  const auto peers = fmt::format("http://127.0.0.1:{}", free_port());
  const auto port = free_port();
  server->server_ = fmt::format("https://127.0.0.1:{}", port);
  const auto spawn = [&](std::vector<std::string> arguments, const char* of) -> Result<void> {
    const auto pid = testbed::spawn_daemon({.arguments = std::move(arguments)}, file(of) + ".log",
                                           file(of) + ".pid");
    if (!pid) return tl::unexpected(pid.error());
    server->processes_.push_back(*pid);
    return {};
  };
  if (auto done = spawn({programs->etcd, "--data-dir=" + file("etcd"), "--unsafe-no-fsync",
                         "--listen-client-urls=" + etcd, "--advertise-client-urls=" + etcd,
                         "--listen-peer-urls=" + peers},
                        "etcd");
      !done)
    return tl::unexpected(done.error());
  if (auto done = spawn(
          {programs->of("kube-apiserver"), "--etcd-servers=" + etcd, "--bind-address=127.0.0.1",
           "--advertise-address=127.0.0.1", fmt::format("--secure-port={}", port),
           "--insecure-port=0", "--cert-dir=" + name, "--service-account-key-file=" + file("key"),
           "--service-account-signing-key-file=" + file("key"),
           "--service-account-issuer=https://kubernetes.default.svc",
           "--token-auth-file=" + file("tokens"), "--authorization-mode=RBAC",
           "--service-cluster-ip-range=10.250.0.0/24", "--disable-admission-plugins=ServiceAccount",
           "--endpoint-reconciler-type=none"},
          "api");
      !done)
    return tl::unexpected(done.error());

  const auto limit = std::chrono::steady_clock::now() + kComesUp;
  for (std::string error;;) {
    try {
      server->kubectl({"get", "--raw=/readyz"});
      server->kubectl({"apply", "-k", std::string(SEXTANT_SOURCE_DIR) + "/deploy/crds"});
      server->kubectl({"wait", "--for=condition=Established", "crd", "--all"});
      return server;
    } catch (const std::runtime_error& not_yet) {
      error = not_yet.what();
    }
    if (std::chrono::steady_clock::now() > limit)
      return failure("start", "kube-apiserver", error, "its log is " + file("api.log"));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

LoneApiServer::~LoneApiServer() {
  (void)testbed::end_processes(processes_, seconds(1));
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

kube::Config LoneApiServer::config() const {
  kube::Config config;
  config.server = server_;
  config.ca.file = folder_ / "apiserver.crt";
  config.token = kToken;
  return config;
}

kube::Config LoneApiServer::config_of_agent() const {
  auto agents = config();
  agents.token = kAgentToken;
  return agents;
}

std::string LoneApiServer::kubectl(std::vector<std::string> arguments,
                                   const std::string& input) const {
  arguments.insert(arguments.begin(),
                   {kubectl_, "--server=" + server_, std::string("--token=") + kToken,
                    "--certificate-authority=" + (folder_ / "apiserver.crt").string(),
                    "--cache-dir=" + (folder_ / "cache").string()});
  const auto done = testbed::run(
      {.arguments = arguments, .environment = {{"KUBECONFIG", "/dev/null"}}, .input = input},
      seconds(60));
  if (!done) throw std::runtime_error(done.error().message());
  if (done->status != 0) throw std::runtime_error(done->err);
  return done->out;
}

}  // namespace sextant::kubernetes_tests
