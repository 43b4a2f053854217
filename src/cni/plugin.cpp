#include "cni/plugin.h"

#include <boost/json.hpp>

#include "cni/attachment.h"
#include "cni/maintenance.h"
#include "cni/network_config.h"

namespace sextant::cni {
namespace {

namespace json = boost::json;

Outcome<std::string> version(const std::string& input) {
  const auto asked = input.empty() ? Outcome<std::string>("") : parse_version(input);
  if (!asked) return tl::unexpected(asked.error());
  const json::object answer{
      {"cniVersion", asked->empty() ? std::string(kSupportedVersions.back()) : *asked},
      {"supportedVersions", json::array(kSupportedVersions.begin(), kSupportedVersions.end())}};
  return json::serialize(answer);
}

Outcome<std::string> execute(const Invocation& invocation, const std::string& input) {
  if (invocation.command == Command::kVersion) return version(input);
  const auto config = parse_config(input);
  if (!config) return tl::unexpected(config.error());
  switch (invocation.command) {
    case Command::kAdd:
      return add(invocation, *config);
    case Command::kDel:
      return del(invocation, *config);
    case Command::kCheck:
      return check(invocation, *config);
    case Command::kGc:
      return collect_garbage(invocation, *config);
    case Command::kStatus:
      return report_status(invocation, *config);
    case Command::kVersion:
      break;
  }
  return std::string();
}

Answer error_answer(const CniError& error, const std::string& cni_version) {
  json::object object{{"cniVersion", cni_version},
                      {"code", static_cast<unsigned>(error.code)},
                      {"msg", error.message}};
  if (!error.details.empty()) object["details"] = error.details;
  return {.exit_status = 1, .output = json::serialize(object)};
}

}  // namespace

Answer run_plugin(const Environment& environment,
                  const std::function<Outcome<std::string>()>& read_input) {
  // The version in use, as far as it is known; the newest where it is not.
  std::string cni_version(kSupportedVersions.back());
  const auto invocation = read_invocation(environment);
  if (!invocation) return error_answer(invocation.error(), cni_version);
  const auto input = read_input();
  if (!input) return error_answer(input.error(), cni_version);
  if (const auto asked = parse_version(*input); asked && !asked->empty()) cni_version = *asked;
  const auto output = execute(*invocation, *input);
  if (!output) return error_answer(output.error(), cni_version);
  return {.exit_status = 0, .output = *output};
}

}  // namespace sextant::cni
