#include "cli/pi_target.h"

#include <map>

#include "agent/defaults.h"
#include "agent/option_words.h"
#include "cli/failure.h"
#include "injector/daemon/daemon_backend.h"
#include "injector/gobgp_backend.h"

namespace sextant::cli {

std::shared_ptr<PiTarget> add_target_options(CLI::App& command) {
  auto target = std::make_shared<PiTarget>();
  target->socket = agent::kDefaultInjectorSocket;
  command.add_option("--socket", target->socket, "The injector's Unix socket")
      ->type_name("PATH")
      ->envname("SEXTANT_INJECTOR_SOCKET")
      ->capture_default_str();
  auto* host = command
                   .add_option("-u,--host", target->host,
                               "A GoBGP daemon in place of the injector's own: its gRPC API's host")
                   ->type_name("HOST");
  command.add_option("-p,--port", target->port, "The port of that API")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535))
      ->needs(host)
      ->capture_default_str();
  const std::map<std::string, injector::Convention> conventions{
      {"Standard", injector::Convention::kStandard},
      {"CalicoVPP", injector::Convention::kCalicoVpp}};
  command
      .add_option(
          "--convention", target->convention,
          "Through GoBGP, of policies that name neither headends nor a convention. Standard: "
          "with NO_ADVERTISE, for GoBGP's own neighbors; CalicoVPP: for everybody")
      ->transform(agent::one_of(conventions, "{Standard,CalicoVPP}"))
      ->needs(host)
      ->default_str("Standard");
  return target;
}

std::unique_ptr<injector::Backend> connect(const PiTarget& target) {
  if (target.host.empty()) return injector::daemon_backend(target.socket);
  return value_or_fail(injector::connect_gobgp(
      {.host = target.host, .port = target.port, .convention = target.convention}));
}

}  // namespace sextant::cli
